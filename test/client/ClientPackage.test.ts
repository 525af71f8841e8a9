import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { build } from "esbuild"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { runProgram } from "../support/ChildProgram.ts"
import * as Chromium from "../support/Chromium.ts"
import * as Effex from "../support/Effex.ts"
import * as EffexCommand from "../support/EffexCommand.ts"
import * as NodeVersions from "../support/NodeVersions.ts"
import * as PackedClient from "../support/PackedClient.ts"
import * as PackedEffex from "../support/PackedEffex.ts"
import * as ScriptedServer from "../support/ScriptedServer.ts"
import { parseJsonObject } from "../support/TestServer.ts"

/** Packing, type checks and a browser take long on a busy machine. */
const TEST_TIMEOUT = 300_000

/** Size limits of bundles with these exports, minified and compressed. They catch accidental growth. */
const MAX_GZIP_BYTES = {
  "connect, connectAdmin, connectRates, verifyReceipt": 18_000,
  connect: 14_500,
  // For pages that only show rates.
  connectRates: 8500
} as const

/** The quick start of the documentation, in JavaScript. */
const quickStart = (url: string, from = "effex-client") => `
import { connect, verifyReceipt } from "${from}"

const effex = connect("${url}")
const conversion = await effex.convert({ amount: "500.00", from: "USD", to: "NGN" })
const receipt = await effex.receipt(conversion.auditId)
const { record } = await verifyReceipt(receipt, receipt.head.public_key)
console.log(\`proved \${record.outputAmount === conversion.outputAmount}\`)
for await (const { from, rate, to } of effex.watch(["USD:NGN"])) {
  console.log(\`1 \${from} = \${rate} \${to}\`)
  break
}
`

/** A page with two clients that share a storage, as two tabs do, over a WebSocket. */
const accountPage = (url: string) => `
import { connect, SessionEnded } from "./effex-client.js"

let refreshes = 0
const send = window.fetch
window.fetch = (address, init) => {
  if (String(address).endsWith("/auth/refresh")) refreshes++
  return send(address, init)
}
const [first, second] = [connect("${url}", { session: localStorage }), connect("${url}", { session: localStorage })]
await first.accounts.register({ username: "page-" + Date.now(), password: "a long enough passphrase" })
for (const [key, text] of Object.entries(localStorage))
  localStorage.setItem(key, JSON.stringify({ ...JSON.parse(text), renewAt: 0 }))
await Promise.all([first.wallet(), second.wallet(), second.accounts.me()])
console.log("refreshes " + refreshes)
const changes = []
for await (const event of second.watchWallet()) {
  if (event.type === "snapshot") await first.funding.deposit({ amount: "5.00", asset: "USD" })
  if (event.type === "transaction") changes.push(event.transaction.change)
  if (changes.length > 0) break
}
console.log("watched " + changes)
await first.accounts.logout()
const error = await second.wallet().catch((thrown) => thrown)
console.log("ended " + (error instanceof SessionEnded) + " " + localStorage.length)
`

/** A \`.js\` file in a folder made by \`npm init\`, which is CommonJS. */
const commonJs = (url: string) => `
const { connect, SessionEnded } = require("effex-client")

const effex = connect("${url}")
effex.wallet().catch((error) => console.log(\`signed in \${!(error instanceof SessionEnded)}\`))
effex.rate("USD", "NGN").then(({ from, rate, to }) => console.log(\`1 \${from} = \${rate} \${to}\`))
`

const typed = (url: string) => `
import { connect, EffexError, InsufficientFunds, type Rate, type SentTransfer, type StreamState } from "effex-client"

await using effex = connect("${url}", { timeout: "20 seconds" })
const show = ({ from, rate, to, fetchedAt }: Rate) =>
  console.log(\`1 \${from} = \${rate} \${to} at \${fetchedAt.toISOString()}\`)
show(await effex.rate("USD", "NGN", { maxAge: "1 hour" }))
for await (const { open } of effex.history("USD", "NGN", { interval: "1h" })) console.log(\`open \${open}\`)
const stream = effex.watch(["USD:NGN"], { onState: (state: StreamState) => console.log(state) })
for await (const rate of stream) {
  show(rate)
  break
}
try {
  await effex.convert({ amount: "500.00", from: "USD", to: "USD" })
} catch (error) {
  if (error instanceof EffexError) console.log(error.code, error.status, error.retryable, error.traceId?.length)
}
const send = async (): Promise<SentTransfer> => {
  try {
    return await effex.transfers.send({ to: "bola", asset: "USD", amount: "1.00" })
  } catch (error) {
    if (error instanceof InsufficientFunds) console.log(error.available)
    throw error
  }
}
await send().catch((error: EffexError) => console.log(error.code))
// @ts-expect-error An amount is text.
const wrong = () => effex.convert({ amount: 500, from: "USD", to: "NGN" })
`

const withEffect = (url: string) => `
import { BigDecimal, Console, Effect, Stream } from "effect"
import { EffexClient } from "effex-client/effect"

const program = Effect.gen(function* () {
  const effex = yield* EffexClient
  yield* effex.watch(["USD:NGN"]).pipe(
    Stream.take(1),
    Stream.runForEach(({ from, rate, to }) => Console.log(\`1 \${from} = \${BigDecimal.format(rate)} \${to}\`)),
    Effect.catchTag("UnsupportedPair", ({ detail }) => Console.error(detail))
  )
  const { auditId } = yield* effex.convert({ amount: "500.00", from: "USD", to: "NGN" })
  const { convertedAt } = yield* effex.conversion(auditId)
  yield* Console.log(convertedAt.toISOString())
})
await Effect.runPromise(Effect.provide(program, EffexClient.layer({ url: "${url}" })))
`

const RATE = /1 USD = \d+(\.\d+)? NGN/

const ADMINISTRATOR = { ADMIN_USERNAME: "boss", ADMIN_PASSWORD: "a passphrase of an administrator" }

/** The installed package and a server with an administrator. */
class Installed extends Context.Service<Installed, PackedClient.Consumer & { readonly url: string }>()(
  "effex/test/InstalledClient"
) {
  static readonly layer = Layer.effect(
    Installed,
    Effect.gen(function* () {
      const consumer = yield* PackedClient.install
      const { env } = yield* Effex.makeSandbox({
        POLL_SPACING: "0 millis",
        ALLOW_ANONYMOUS_CONVERT: "true",
        FUNDING: "sandbox"
      })
      const { ADMIN_PASSWORD, ADMIN_USERNAME } = ADMINISTRATOR
      const created = yield* EffexCommand.exec(
        ["users", "create", ADMIN_USERNAME, "--admin"],
        env,
        ADMIN_PASSWORD
      )
      assert.strictEqual(created.code, 0, created.output)
      const { url } = yield* Effex.serve(env)
      return { ...consumer, url }
    })
  )
}

/** Runs a file of the consumer project until it exits. */
const run = Effect.fnUntraced(function* (
  file: string,
  node = "node",
  args: ReadonlyArray<string> = [],
  env: Readonly<Record<string, string>> = {}
) {
  const { folder } = yield* Installed
  const running = yield* runProgram(node, [file, ...args], env, folder)
  return { code: yield* running.ended, output: running.output() }
})

/** Opens a page of another origin than the server in a browser. Its script imports `./effex-client.js`. */
const openPage = Effect.fnUntraced(function* (script: string) {
  const { folder } = yield* Installed
  const files = new Map([
    ["/", ["text/html", '<!doctype html><script type="module" src="/page.js"></script>']],
    ["/page.js", ["text/javascript", script]],
    [
      "/effex-client.js",
      ["text/javascript", readFileSync(join(folder, "node_modules/effex-client/dist/index.js"), "utf8")]
    ]
  ])
  const page = yield* ScriptedServer.listen((response, { path }) => {
    const [type = "text/plain", text] = files.get(path) ?? []
    response.setHeader("content-type", type).end(text)
  })
  return yield* Chromium.open(page.url)
})

const readManifest = (folder: string) => parseJsonObject(readFileSync(join(folder, "package.json"), "utf8"))

describe("effex-client, packed and installed in a folder made by npm init", () => {
  layer(Installed.layer, { excludeTestServices: true, timeout: TEST_TIMEOUT })((it) => {
    it.effect(
      "has no dependencies, Effect as an optional peer, and the version of effex",
      () =>
        Effect.gen(function* () {
          const { folder } = yield* Installed
          const manifest = readManifest(join(folder, "node_modules/effex-client"))
          assert.isUndefined(manifest["dependencies"])
          assert.deepStrictEqual(manifest["peerDependencies"], { effect: "^4.1.0" })
          assert.deepStrictEqual(manifest["peerDependenciesMeta"], { effect: { optional: true } })
          assert.strictEqual(manifest["version"], readManifest(PackedEffex.project)["version"])
          assert.deepInclude(readManifest(folder), { type: "commonjs" })
        }),
      TEST_TIMEOUT
    )

    it.effect(
      "runs from a .js and an .mjs file, and lets Node.js exit",
      () =>
        Effect.gen(function* () {
          const { url, write } = yield* Installed
          yield* write("plain.js", commonJs(url))
          yield* write("module.mjs", quickStart(url))
          const [plain, module] = yield* Effect.all([run("plain.js"), run("module.mjs")])
          for (const { code, output } of [plain, module]) {
            assert.strictEqual(code, 0, output)
            assert.match(output, RATE)
          }
          assert.include(module.output, "proved true")
          assert.include(plain.output, "signed in false")
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect(
      "runs the example of the life of an account",
      () =>
        Effect.gen(function* () {
          const { url, write } = yield* Installed
          const example = join(PackedEffex.project, "packages/client/examples/account-life.mjs")
          yield* write("account-life.mjs", readFileSync(example, "utf8"))
          const { code, output } = yield* run("account-life.mjs", "node", [url], ADMINISTRATOR)
          assert.strictEqual(code, 0, output)
          assert.match(output, /^phone: The session was ended from another one; sign in again$/m)
          assert.match(output, /^wallet: session-ended\nlogin: account-locked$/m)
          assert.match(output, /^signed in again, with 100\.00 USD$/m)
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect.skipIf(!NodeVersions.areInstalled)(
      "runs on Node.js 22, and says on Node.js 20 what it needs",
      () =>
        Effect.gen(function* () {
          const { url, write } = yield* Installed
          yield* write("other.js", commonJs(url))
          yield* write("other.mjs", quickStart(url))
          for (const file of ["other.js", "other.mjs"]) {
            const newer = yield* run(file, NodeVersions.NODE_22)
            assert.strictEqual(newer.code, 0, newer.output)
            assert.match(newer.output, RATE)
            assert.notInclude(newer.output, "Warning")
            const older = yield* run(file, NodeVersions.NODE_20)
            assert.strictEqual(older.code, 1)
            assert.match(
              older.output,
              /effex-client needs Node\.js 22 or newer; this is Node\.js 20\.\d+\.\d+/
            )
          }
        }).pipe(Effect.scoped)
    )

    it.effect(
      "has types without Effect, and with the Effect of the application, for both ways of module resolution",
      () =>
        Effect.gen(function* () {
          const { folder, link, url, write } = yield* Installed
          yield* write("typed.mts", typed(url))
          const tsc = join(PackedEffex.project, "node_modules/.bin/tsc")
          const check = Effect.fnUntraced(function* (file: string, module: string, moduleResolution: string) {
            const compilerOptions = {
              module,
              moduleResolution,
              target: "ES2024",
              lib: ["ES2024", "DOM", "DOM.Iterable"],
              types: [],
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: false,
              noEmit: true
            }
            const config = `tsconfig.${file}.${moduleResolution}.json`
            yield* write(config, JSON.stringify({ compilerOptions, files: [file] }))
            const checked = yield* runProgram(tsc, ["--project", config], {}, folder)
            assert.strictEqual(yield* checked.ended, 0, checked.output())
          })
          yield* check("typed.mts", "NodeNext", "NodeNext")
          yield* check("typed.mts", "ESNext", "Bundler")
          const { output } = yield* run("typed.mts")
          assert.match(output, RATE)
          assert.match(output, /^unsupported-pair 422 false 32$/m)
          assert.match(output, /^live$/m)
          assert.match(output, /^session-ended$/m)
          yield* link("effect", join(PackedEffex.project, "node_modules/effect"))
          yield* write("effect.mts", withEffect(url))
          yield* check("effect.mts", "NodeNext", "NodeNext")
          yield* check("effect.mts", "ESNext", "Bundler")
          const effect = yield* run("effect.mts")
          assert.strictEqual(effect.code, 0, effect.output)
          assert.match(effect.output, RATE)
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect(
      "is one file without Node.js modules and within the size limits",
      () =>
        Effect.gen(function* () {
          const { folder, write } = yield* Installed
          for (const [names, limit] of Object.entries(MAX_GZIP_BYTES)) {
            yield* write("bundled.mjs", `export { ${names} } from "effex-client"`)
            const { metafile, outputFiles } = yield* Effect.promise(() =>
              build({
                entryPoints: [join(folder, "bundled.mjs")],
                bundle: true,
                minify: true,
                format: "esm",
                platform: "browser",
                metafile: true,
                write: false
              })
            )
            assert.lengthOf(Object.keys(metafile.inputs), 2)
            const compressed = gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length
            assert.isAbove(compressed, limit * 0.8, names)
            assert.isBelow(compressed, limit, names)
          }
        }),
      TEST_TIMEOUT
    )

    it.effect.skipIf(!Chromium.isAvailable)(
      "runs in a page without a bundler",
      () =>
        Effect.gen(function* () {
          const { url } = yield* Installed
          const browser = yield* openPage(quickStart(url, "./effex-client.js"))
          yield* browser.written(/CONSOLE.*proved true/)
          const [line = ""] = yield* browser.written(/CONSOLE.*NGN/)
          assert.match(line, RATE)
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )

    it.effect.skipIf(!Chromium.isAvailable)(
      "renews the tokens once for two clients of a browser, and follows a wallet",
      () =>
        Effect.gen(function* () {
          const { url } = yield* Installed
          const browser = yield* openPage(accountPage(url))
          for (const line of [/CONSOLE.*refreshes 1"/, /CONSOLE.*watched 5\.00"/, /CONSOLE.*ended true 0"/])
            yield* browser.written(line)
        }).pipe(Effect.scoped),
      TEST_TIMEOUT
    )
  })
})

import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { build, type BuildResult } from "esbuild"
import { createServer } from "node:http"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import * as Chromium from "../support/Chromium.ts"
import * as Effex from "../support/Effex.ts"
import * as PackedEffex from "../support/PackedEffex.ts"
import { runProgram } from "../support/ChildProgram.ts"

/** Size limit of the browser bundle, compressed. Catches accidental growth. */
const MAX_GZIP_BYTES = 230_000

/** The quick start of the documentation, in JavaScript for Node and browsers. */
const quickStart = (url: string) => `
import { connect } from "effex/client"

const effex = connect("${url}")
for await (const { from, rate, to } of effex.watch(["USD:NGN"])) {
  console.log(\`1 \${from} = \${rate} \${to}\`)
  break
}
await effex.close()
`

const typed = (url: string) => `
import { connect, Problem, type Rate, Unreachable } from "effex/client"

const effex = connect("${url}")
const show = ({ from, rate, to, fetchedAt }: Rate) =>
  console.log(\`1 \${from} = \${rate} \${to} at \${fetchedAt.toISOString()}\`)
show(await effex.rate("USD", "NGN", { maxAge: "1 hour" }))
try {
  await effex.convert({ amount: "500.00", from: "USD", to: "EUR" })
} catch (error) {
  if (error instanceof Problem.UnsupportedPair) console.log(error.code, error.status, error.retryable)
  if (error instanceof Unreachable) console.log(error.sent)
}
await effex.close()
`

const withEffect = (url: string) => `
import { BigDecimal, Console, Effect, Stream } from "effect"
import { EffexClient } from "effex/client"

const program = Effect.gen(function* () {
  const effex = yield* EffexClient
  yield* effex.watch(["USD:NGN"]).pipe(
    Stream.take(1),
    Stream.runForEach(({ from, rate, to }) => Console.log(\`1 \${from} = \${BigDecimal.format(rate)} \${to}\`)),
    Effect.catchTag("UnsupportedPair", ({ detail }) => Console.error(detail))
  )
})
await Effect.runPromise(Effect.provide(program, EffexClient.layer({ url: "${url}" })))
`

const RATE = /1 USD = \d+(\.\d+)? NGN/

/** The installed package, a server started from it, and its bundle for browsers. */
class Installed extends Context.Service<
  Installed,
  PackedEffex.Consumer & { readonly url: string; readonly bundle: Effect.Effect<BuildResult<BundleOptions>> }
>()("effex/test/Installed") {
  static readonly layer = Layer.effect(
    Installed,
    Effect.gen(function* () {
      const consumer = yield* PackedEffex.install
      const { env } = yield* Effex.makeSandbox({ POLL_SPACING: "0 millis", ALLOW_ANONYMOUS_CONVERT: "true" })
      const { url } = yield* Effex.serve(env, consumer.program)
      const bundle = yield* Effect.cached(
        Effect.promise(() => build(bundleOptions(quickStart(url), consumer.folder)))
      )
      return { ...consumer, url, bundle }
    })
  )
}

const bundleOptions = (contents: string, resolveDir: string) => ({
  stdin: { contents, resolveDir },
  bundle: true,
  minify: true,
  format: "esm" as const,
  platform: "browser" as const,
  metafile: true as const,
  write: false as const
})
type BundleOptions = ReturnType<typeof bundleOptions>

/** Runs a file of the consumer project until it exits, and returns its output. */
const run = Effect.fnUntraced(function* (file: string) {
  const { folder } = yield* Installed
  const running = yield* runProgram("node", [file], {}, folder)
  const code = yield* Effect.timeout(running.ended, "20 seconds")
  assert.strictEqual(code, 0, running.output())
  return running.output()
})

describe("the packed package", () => {
  layer(Installed.layer, { excludeTestServices: true, timeout: 120_000 })((it) => {
    it.effect(
      "has types for both ways of module resolution in TypeScript",
      () =>
        Effect.gen(function* () {
          const { folder, url, write } = yield* Installed
          yield* write("typed.ts", typed(url))
          yield* write("effect.ts", withEffect(url))
          const tsc = join(PackedEffex.project, "node_modules/.bin/tsc")
          const check = Effect.fnUntraced(function* (module: string, moduleResolution: string) {
            const compilerOptions = {
              module,
              moduleResolution,
              target: "ES2024",
              lib: ["ES2024", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
              types: [],
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: false,
              noEmit: true
            }
            const file = `tsconfig.${moduleResolution}.json`
            yield* write(file, JSON.stringify({ compilerOptions, include: ["*.ts"] }))
            const checked = yield* runProgram(tsc, ["--project", file], {}, folder)
            assert.strictEqual(yield* checked.ended, 0, checked.output())
          })
          const [, , promiseOutput, effectOutput] = yield* Effect.all(
            [check("NodeNext", "NodeNext"), check("ESNext", "Bundler"), run("typed.ts"), run("effect.ts")],
            { concurrency: "unbounded" }
          )
          assert.match(promiseOutput, RATE)
          assert.match(promiseOutput, /^unsupported-pair 422 false$/m)
          assert.match(effectOutput, RATE)
        }).pipe(Effect.scoped),
      120_000
    )

    it.effect("runs from JavaScript, and lets Node exit", () =>
      Effect.gen(function* () {
        const { url, write } = yield* Installed
        yield* write("plain.mjs", quickStart(url))
        assert.match(yield* run("plain.mjs"), RATE)
      }).pipe(Effect.scoped)
    )

    it.effect("includes the effex command", () =>
      Effect.gen(function* () {
        const { folder, program } = yield* Installed
        const help = yield* runProgram(program, ["--help"], {}, folder)
        assert.strictEqual(yield* help.ended, 0)
        assert.include(help.output(), "serve")
      }).pipe(Effect.scoped)
    )

    it.effect("bundles for browsers without Node modules and within the size limit", () =>
      Effect.gen(function* () {
        const { bundle } = yield* Installed
        const { metafile, outputFiles } = yield* bundle
        assert.deepStrictEqual(
          Object.values(metafile.outputs).flatMap(({ imports }) => imports),
          []
        )
        const foreign = Object.keys(metafile.inputs).filter(
          (path) => !/(\/effect|\/effex)\/dist\/|stdin/.test(path)
        )
        assert.deepStrictEqual(foreign, [])
        const [file] = outputFiles
        const compressed = gzipSync(file?.contents ?? "", { level: 9 }).length
        assert.isAbove(compressed, 0)
        assert.isBelow(compressed, MAX_GZIP_BYTES)
      })
    )

    it.effect.skipIf(!Chromium.isAvailable)("runs in a browser", () =>
      Effect.gen(function* () {
        const { bundle } = yield* Installed
        const { outputFiles } = yield* bundle
        const page = yield* serveText({
          "/": ["text/html", '<!doctype html><script type="module" src="/page.js"></script>'],
          "/page.js": ["text/javascript", outputFiles[0]?.text ?? ""]
        })
        const browser = yield* Chromium.open(page)
        const [line = ""] = yield* browser.written(/CONSOLE.*NGN/).pipe(Effect.timeout("30 seconds"))
        assert.match(line, RATE)
      }).pipe(Effect.scoped)
    )
  })
})

/** Serves texts by path, each with its content type, and returns the URL of `/`. */
const serveText = (texts: Readonly<Record<string, readonly [type: string, text: string]>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(({ url = "" }, response) => {
        const [type, text] = texts[url] ?? ["text/plain", ""]
        response.setHeader("content-type", type).end(text)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) => Effect.sync(() => server.close())
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`
    })
  )

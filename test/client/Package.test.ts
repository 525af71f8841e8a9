import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { dirname, join } from "node:path"
import * as Effex from "../support/Effex.ts"
import * as NodeVersions from "../support/NodeVersions.ts"
import * as PackedEffex from "../support/PackedEffex.ts"
import { runProgram } from "../support/ChildProgram.ts"

/** A program of an earlier version, in JavaScript. */
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
import { connect, EffexError, type Rate, verifyReceipt } from "effex/client"

const effex = connect("${url}")
const show = ({ from, rate, to, fetchedAt }: Rate) =>
  console.log(\`1 \${from} = \${rate} \${to} at \${fetchedAt.toISOString()}\`)
show(await effex.rate("USD", "NGN", { maxAge: "1 hour" }))
try {
  await effex.convert({ amount: "500.00", from: "USD", to: "USD" })
} catch (error) {
  if (error instanceof EffexError) console.log(error.code, error.status, error.retryable)
}
console.log(typeof verifyReceipt)
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
class Installed extends Context.Service<Installed, PackedEffex.Consumer & { readonly url: string }>()(
  "effex/test/Installed"
) {
  static readonly layer = Layer.effect(
    Installed,
    Effect.gen(function* () {
      const consumer = yield* PackedEffex.install
      const { env } = yield* Effex.makeSandbox({ POLL_SPACING: "0 millis", ALLOW_ANONYMOUS_CONVERT: "true" })
      const { url } = yield* Effex.serve(env, consumer.program)
      return { ...consumer, url }
    })
  )
}

/** Runs a file of the consumer project until it exits, and returns its output. */
const run = Effect.fnUntraced(function* (file: string) {
  const { folder } = yield* Installed
  const running = yield* runProgram("node", [file], {}, folder)
  const code = yield* running.ended
  assert.strictEqual(code, 0, running.output())
  return running.output()
})

describe("the packed package", () => {
  layer(Installed.layer, { excludeTestServices: true, timeout: 300_000 })((it) => {
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
      300_000
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

    it.effect.skipIf(!NodeVersions.areInstalled)(
      "serves on Node.js 22, and says on Node.js 20 what it needs",
      () =>
        Effect.gen(function* () {
          const { folder, program } = yield* Installed
          const pathWith = (node: string) => ({ PATH: `${dirname(node)}:${process.env["PATH"]}` })
          for (const command of [["--help"], ["serve"]]) {
            const older = yield* runProgram(program, command, pathWith(NodeVersions.NODE_20), folder)
            assert.strictEqual(yield* older.ended, 1)
            assert.match(
              older.output(),
              /^effex: Node\.js 22\.19 or newer is needed; this is Node\.js 20\.\d+\.\d+\. Install a newer one: https:\/\/nodejs\.org\n$/
            )
          }
          const { env } = yield* Effex.makeSandbox({ POLL_SPACING: "0 millis" })
          const newer = yield* Effex.serve({ ...env, ...pathWith(NodeVersions.NODE_22) }, program)
          const { body, status } = yield* Effex.get(newer.url, "/api/v1/rates?from=USD&to=NGN")
          assert.strictEqual(status, 200, body)
        }).pipe(Effect.scoped)
    )
  })
})

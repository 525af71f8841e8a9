import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, FileSystem, Layer } from "effect"
import { fileURLToPath } from "node:url"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"
import { runProgram } from "../../support/ChildProgram.ts"

const ROOT = fileURLToPath(new URL("../../..", import.meta.url))

const SECRET = "FLWSECK-do-not-show-me-1234567890"

const allRates = Effect.fnUntraced(function* (url: string) {
  const { body } = yield* Effex.get(url, "/api/v1/rates/all")
  const { rates }: { rates: ReadonlyArray<{ rate_id: string; rate: string; provider: string }> } =
    JSON.parse(body)
  return rates
})

/** 44 pairs of currencies; a sandbox also has the prices of 6 assets. */
const awaitAllRates = (url: string, count = 44) =>
  Effect.repeat(Effect.delay(allRates(url), "50 millis"), { until: (rates) => rates.length === count })

/** A data folder for the embedded PostgreSQL, which is created once. */
class DataFolder extends Context.Service<
  DataFolder,
  { readonly fs: FileSystem.FileSystem; readonly path: string }
>()("effex/test/DataFolder") {
  static readonly layer = Layer.effect(
    DataFolder,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      return { fs, path: yield* fs.makeTempDirectoryScoped({ prefix: "effex-serve-" }) }
    })
  ).pipe(Layer.provide(NodeServices.layer))
}

const start = Effex.makeSandbox({ FLUTTERWAVE_SECRET_KEY: SECRET, POLL_SPACING: "0 millis" })

layer(DataFolder.layer, { excludeTestServices: true })("effex serve", (it) => {
  it.effect(
    "serves all 44 pairs of currencies and 6 prices without any setting and exits with 0 on SIGTERM",
    () =>
      Effect.gen(function* () {
        const { fs, path } = yield* DataFolder
        const server = yield* Effex.serve({ DATA_DIR: path })
        const rates = yield* awaitAllRates(server.url, 50)
        for (const { provider } of rates) assert.strictEqual(provider, "sandbox")
        server.process.kill("SIGTERM")
        assert.strictEqual(yield* server.ended, 0)
        assert.isFalse(yield* fs.exists(`${path}/postgres/postmaster.pid`))
      })
  )

  it.effect("stops when npm is stopped", () =>
    Effect.gen(function* () {
      const { fs, path } = yield* DataFolder
      const npm = yield* runProgram("npm", ["start"], { DATA_DIR: path, PORT: "0" }, ROOT)
      yield* npm.written(/effex is listening on/)
      npm.process.kill("SIGTERM")
      // The output closes when the last child process has ended.
      yield* npm.ended
      assert.include(npm.output(), "effex is shutting down")
      assert.isFalse(yield* fs.exists(`${path}/postgres/postmaster.pid`))
    })
  )

  it.effect("serves its rates immediately after a stop and after a kill, and never logs the secret", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* start
      const first = yield* Effex.serve(env)
      const rates = yield* awaitAllRates(first.url)
      yield* first.written(/44 refreshed/)
      first.process.kill("SIGTERM")
      assert.strictEqual(yield* first.ended, 0)

      yield* sandbox.injectFault({ fault: "hang" })
      const outputs = [first.output()]
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const restarted = yield* Effex.serve(env)
        const answer = yield* Effex.get(restarted.url, "/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("x-rate-source"), "database")
        assert.deepStrictEqual(yield* allRates(restarted.url), rates)
        restarted.process.kill(signal)
        yield* restarted.ended
        outputs.push(restarted.output())
      }
      for (const output of outputs) assert.notInclude(output, SECRET)
    })
  )

  it.effect(
    "serves stale rates within LOOKUP_BUDGET while Flutterwave hangs, and rejects them with max_age",
    () =>
      Effect.gen(function* () {
        const { env, sandbox } = yield* start
        const server = yield* EffexCommand.serve({
          ...env,
          STALE_AFTER: "1 second",
          MAX_AGE_FLOOR: "0 millis",
          LOOKUP_BUDGET: "500 millis"
        })
        yield* server.written(/44 refreshed/)
        yield* sandbox.injectFault({ fault: "hang" })
        const stale = yield* Effect.repeat(Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN"), {
          until: ({ body }) => JSON.parse(body).stale === true
        })
        // The answer precedes the failure of the refresh, which is due after the timeout of the provider.
        assert.notInclude(server.output(), "Refresh of USD:NGN failed")
        assert.strictEqual(stale.status, 200)
        assert.strictEqual(JSON.parse(stale.body).stale, true)
        const rejected = yield* Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN&max_age=1+seconds")
        assert.strictEqual(rejected.status, 503)
        assert.strictEqual(JSON.parse(rejected.body).code, "rate-too-old")
      })
  )

  it.effect("does not start with invalid settings or on a port in use, and exits with 1", () =>
    Effect.gen(function* () {
      const invalid = yield* Effex.run(["serve"], { PORT: "abc", STALE_AFTER: "-1", NODE_ENV: "production" })
      assert.strictEqual(yield* invalid.ended, 1)
      for (const part of ['PORT: found "abc"', "STALE_AFTER", "DATABASE_URL", "FLUTTERWAVE_SECRET_KEY"]) {
        assert.include(invalid.output(), part)
      }
      const { env } = yield* start
      const first = yield* EffexCommand.serve(env)
      const second = yield* EffexCommand.run(["serve"], { ...env, PORT: new URL(first.url).port })
      assert.strictEqual(yield* second.ended, 1)
      assert.include(second.output(), "EADDRINUSE")
    })
  )
})

import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, FileSystem } from "effect"
import { fileURLToPath } from "node:url"
import * as Effex from "../support/Effex.ts"
import { runProgram } from "../support/ChildProgram.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

const SECRET = "FLWSECK-do-not-show-me-1234567890"

const allRates = Effect.fnUntraced(function* (url: string) {
  const { body } = yield* Effex.get(url, "/api/v1/rates/all")
  const { rates }: { rates: ReadonlyArray<{ rate_id: string; rate: string; provider: string }> } =
    JSON.parse(body)
  return rates
})

const untilAllKnown = (url: string) =>
  Effect.repeat(Effect.delay(allRates(url), "50 millis"), { until: (rates) => rates.length === 44 })

const start = Effex.makeSandbox({ FLUTTERWAVE_SECRET_KEY: SECRET, POLL_SPACING: "0 millis" })

describe("effex serve", () => {
  it.live("answers all 44 pairs with nothing configured, and stops with code 0", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex-serve-" })
      const server = yield* Effex.serve({ DATA_DIR: folder })
      const rates = yield* untilAllKnown(server.url).pipe(Effect.timeout("15 seconds"))
      for (const { provider } of rates) assert.strictEqual(provider, "sandbox")
      server.process.kill("SIGTERM")
      assert.strictEqual(yield* server.ended, 0)
      assert.isFalse(yield* fs.exists(`${folder}/postgres/postmaster.pid`))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("ends with npm, which was told to stop what it started", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "effex-serve-" })
      const npm = yield* runProgram("npm", ["start"], { DATA_DIR: folder, PORT: "0" }, ROOT)
      yield* npm.written(/effex listens on/)
      npm.process.kill("SIGTERM")
      // It is over when nobody holds its output any more, not even a child of it.
      yield* npm.ended.pipe(Effect.timeout("15 seconds"))
      assert.include(npm.output(), "effex stops")
      assert.isFalse(yield* fs.exists(`${folder}/postgres/postmaster.pid`))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("has its rates at once after a stop and after a kill, before any poll, and keeps the secret", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* start
      const first = yield* Effex.serve(env)
      const rates = yield* untilAllKnown(first.url)
      yield* first.written(/44 refreshed/)
      first.process.kill("SIGTERM")
      assert.strictEqual(yield* first.ended, 0)

      yield* sandbox.order({ fault: "hang" })
      const outputs = [first.output()]
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const again = yield* Effex.serve(env)
        const answer = yield* Effex.get(again.url, "/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("x-rate-source"), "database")
        assert.deepStrictEqual(yield* allRates(again.url), rates)
        again.process.kill(signal)
        yield* again.ended
        outputs.push(again.output())
      }
      for (const output of outputs) assert.notInclude(output, SECRET)
    }).pipe(Effect.scoped)
  )

  it.live("answers stale within LOOKUP_BUDGET when Flutterwave is gone, and refuses with max_age", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* start
      const server = yield* Effex.serve({ ...env, STALE_AFTER: "1 second", LOOKUP_BUDGET: "500 millis" })
      yield* server.written(/44 refreshed/)
      yield* sandbox.order({ fault: "hang" })
      yield* Effect.sleep("1100 millis")
      const [took, stale] = yield* Effect.timed(Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN"))
      assert.strictEqual(stale.status, 200)
      assert.strictEqual(JSON.parse(stale.body).stale, true)
      assert.isBelow(Duration.toMillis(took), 5000)
      const refused = yield* Effex.get(server.url, "/api/v1/rates?from=USD&to=NGN&max_age=1+seconds")
      assert.strictEqual(refused.status, 503)
      assert.strictEqual(JSON.parse(refused.body).code, "rate-too-old")
    }).pipe(Effect.scoped)
  )

  it.live("refuses to start on wrong settings, in one message, and on a port that is taken", () =>
    Effect.gen(function* () {
      const wrong = yield* Effex.run(["serve"], { PORT: "abc", STALE_AFTER: "-1", NODE_ENV: "production" })
      assert.strictEqual(yield* wrong.ended, 1)
      for (const part of ['PORT: found "abc"', "STALE_AFTER", "DATABASE_URL", "FLUTTERWAVE_SECRET_KEY"]) {
        assert.include(wrong.output(), part)
      }
      const { env } = yield* start
      const first = yield* Effex.serve(env)
      const second = yield* Effex.run(["serve"], { ...env, PORT: new URL(first.url).port })
      assert.strictEqual(yield* second.ended, 1)
      assert.include(second.output(), "EADDRINUSE")
    }).pipe(Effect.scoped)
  )
})

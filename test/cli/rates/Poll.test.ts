import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"

const start = Effex.makeSandbox({ POLL_SPACING: "0 millis" })

describe("effex poll", () => {
  it.live("refreshes every pair once, prints one line per pair, and exits with 0", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* start
      const poll = yield* Effex.run(["poll", "--once"], env)
      assert.strictEqual(yield* poll.ended, 0)
      assert.match(poll.output(), /^44\/44 \w{3}:\w{3} refreshed$/m)
      assert.match(poll.output(), /^44 of 44 pairs refreshed in /m)
      assert.strictEqual(yield* sandbox.requests, 44)
    }).pipe(Effect.scoped)
  )

  it.live("prints the failed pair and exits with 1", () =>
    Effect.gen(function* () {
      const { env, sandbox } = yield* start
      yield* sandbox.injectFault({ fault: "contradiction", pairs: ["GBP:KES"] })
      const poll = yield* EffexCommand.run(["poll", "--once"], env)
      assert.strictEqual(yield* poll.ended, 1)
      assert.match(poll.output(), /^43 of 44 pairs refreshed in /m)
      assert.match(poll.output(), /^ {2}GBP:KES failed: .*contradictory response/m)
      assert.match(poll.output(), /^Not refreshed: GBP:KES$/m)
    }).pipe(Effect.scoped)
  )

  it.live("polls every --interval seconds until SIGTERM", () =>
    Effect.gen(function* () {
      const { env } = yield* start
      const poll = yield* Effex.run(["poll", "--interval", "1"], env)
      yield* poll.written(/(44 of 44 pairs refreshed[^]*){3}/)
      poll.process.kill("SIGTERM")
      assert.strictEqual(yield* poll.ended, 0)
    }).pipe(Effect.scoped)
  )
})

describe("effex rate", () => {
  it.live("prints a rate as text and as JSON", () =>
    Effect.gen(function* () {
      const { env } = yield* start
      const shown = yield* EffexCommand.run(["rate", "usd", "NGN"], env)
      assert.strictEqual(yield* shown.ended, 0)
      assert.match(shown.output(), /^1 USD = \d+(\.\d+)? NGN$/m)
      const json = yield* EffexCommand.run(["rate", "USD", "NGN", "--json"], { ...env, LOG_LEVEL: "none" })
      assert.strictEqual(yield* json.ended, 0)
      assert.strictEqual(JSON.parse(json.stdout()).to, "NGN")
    }).pipe(Effect.scoped)
  )

  it.live("rejects an unsupported currency with exit code 1", () =>
    Effect.gen(function* () {
      const { env } = yield* start
      const unknown = yield* EffexCommand.run(["rate", "USD", "ABC"], env)
      assert.strictEqual(yield* unknown.ended, 1)
      assert.include(unknown.output(), '"ABC" is not supported')
    }).pipe(Effect.scoped)
  )
})

describe("effex sandbox and effex migrate", () => {
  it.live("runs without a server and injects a fault until it is cleared", () =>
    Effect.gen(function* () {
      const sandbox = yield* EffexCommand.run(["sandbox", "--port", "0", "--fault", "500"])
      const [, url = ""] = yield* sandbox.written(/listen on (http:\/\/[\d.:]+)/)
      const request = Effect.promise(() =>
        fetch(`${url}/v3/transfers/rates?amount=1000&source_currency=USD&destination_currency=NGN`, {
          headers: { authorization: "Bearer key" }
        })
      )
      assert.strictEqual((yield* request).status, 500)
      yield* Effect.promise(() => fetch(`${url}/faults`, { method: "DELETE" }))
      assert.strictEqual((yield* request).status, 200)
    }).pipe(Effect.scoped)
  )

  it.live("applies the migrations", () =>
    Effect.gen(function* () {
      const { env } = yield* start
      const migrate = yield* EffexCommand.run(["migrate"], env)
      assert.strictEqual(yield* migrate.ended, 0)
      assert.include(migrate.output(), "The database is up to date")
    }).pipe(Effect.scoped)
  )
})

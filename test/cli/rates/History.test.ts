import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Effex from "../../support/Effex.ts"
import * as EffexCommand from "../../support/EffexCommand.ts"

const start = Effect.gen(function* () {
  const { env } = yield* Effex.makeSandbox({ LOG_LEVEL: "none" })
  return { env, effex: (...args: ReadonlyArray<string>) => EffexCommand.exec(args, env) }
})

describe("effex history and effex rate --at", () => {
  it.live("print stored rates as text, JSON, CSV and NDJSON", () =>
    Effect.gen(function* () {
      const { effex, env } = yield* start
      const { json: first } = yield* effex("rate", "USD", "NGN", "--json")
      const [id, rate] = [String(first["rate_id"]), String(first["rate"])]
      const past = yield* effex("rate", "usd", "ngn", "--at", String(first["fetched_at"]), "--json")
      assert.strictEqual(past.code, 0, past.output)
      assert.deepInclude(past.json, { rate_id: id, rate, at: first["fetched_at"] })
      const shown = yield* effex("rate", "USD", "NGN", "--at", String(first["fetched_at"]))
      assert.include(shown.output, `1 USD = ${rate} NGN`)
      assert.include(shown.output, id)

      const csv = yield* Effex.run(["history", "USD", "NGN", "--format", "csv"], env)
      assert.strictEqual(yield* csv.ended, 0)
      assert.match(csv.output(), /^fetched_at,recorded_at,rate,rate_id,provider,derived_from\r?\n/)
      assert.include(csv.output(), `,${rate},${id},sandbox,`)
      const candles = yield* effex("history", "USD", "NGN", "--interval", "1d", "--format", "ndjson")
      assert.deepInclude(candles.json, { open: rate, high: rate, low: rate, close: rate, count: 1 })
      const table = yield* effex("history", "USD", "NGN")
      assert.match(table.output, new RegExp(`^fetched at +recorded at +rate +rate id.*\\n.* ${id} `))
      const none = yield* effex("history", "USD", "NGN", "--end", "2020-01-01", "--format", "ndjson")
      assert.deepStrictEqual([none.code, none.output], [0, ""])
    }).pipe(Effect.scoped)
  )

  it.live("reject invalid arguments with one message and exit code 1", () =>
    Effect.gen(function* () {
      const { effex } = yield* start
      for (const [args, message] of [
        [["history", "USD", "ZZZ"], '"ZZZ" is neither an ISO 4217 currency nor an asset of the catalogue'],
        [["history", "USD", "NGN", "--start", "soon"], "allowed: an ISO 8601 time such as"],
        [["history", "USD", "NGN", "--interval", "1m"], "1m"],
        [["rate", "USD", "NGN", "--at", "2020-01-01"], "No USD:NGN rate recorded by"],
        [["rate", "USD", "NGN", "--at", "2999-01-01"], "must not be in the future"],
        [["rate", "USD", "NGN", "--known-at", "2020-01-01"], "--known-at requires --at"]
      ] as const) {
        const { code, output } = yield* effex(...args)
        assert.strictEqual(code, 1, args.join(" "))
        assert.include(output, message)
        assert.notMatch(output, /^\s+at /m)
      }
    }).pipe(Effect.scoped)
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { asked } from "../support/TestConversions.ts"
import * as TestConversions from "../support/TestConversions.ts"
import { failing, rate, TestProvider } from "../support/TestProvider.ts"
import { pairOf } from "../support/RateTicks.ts"

const test = (
  name: string,
  body: Effect.Effect<void, unknown, Conversions | Quotes | AuditLog | TestProvider | Database>,
  env: Readonly<Record<string, string>> = {}
) => it.effect(name, () => Effect.provide(body, TestConversions.layer(env)))

const records = Effect.gen(function* () {
  const audit = yield* AuditLog
  return yield* audit.page({}, undefined, 1000)
})

describe("Conversions.convert", () => {
  test(
    "answers what is committed, with every number",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.answer(rate("1534.12345678"))
      const answer = yield* conversions.convert(asked("500.00", { reference: "invoice 7" }))
      const body = JSON.parse(answer.body)
      assert.strictEqual(body.output_amount, "763226.41")
      assert.strictEqual(body.rate, "1526.4528394961")
      const [record, ...others] = yield* records
      assert.deepStrictEqual(others, [])
      assert.deepInclude(record, {
        audit_id: body.audit_id,
        rate_id: body.rate_id,
        input_amount: "500.00",
        output_amount: "763226.41",
        exact_output: "763226.41974805",
        residual: "0.00974805",
        margin: "0.005",
        reference: "invoice 7",
        principal: "tester"
      })
    })
  )

  test(
    "makes what must arrive arrive, and rounds up what is paid",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.answer(rate("1500"))
      const body = JSON.parse((yield* conversions.convert(asked("100000", { amountType: "target" }))).body)
      assert.strictEqual(body.output_amount, "100000.00")
      assert.strictEqual(body.input_amount, "67.01")
      assert.strictEqual((yield* records)[0]?.residual, "12.425")
    })
  )

  test(
    "keeps the margin of the pair",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const special = JSON.parse((yield* conversions.convert(asked("100"))).body)
      const standard = JSON.parse(
        (yield* conversions.convert(asked("100", { pair: pairOf("EUR", "NGN") }))).body
      )
      assert.strictEqual(special.margin, "0.02")
      assert.strictEqual(standard.margin, "0.01")
    }),
    { CONVERSION_MARGIN: "0.01", CONVERSION_MARGINS: "USD:NGN=0.02" }
  )

  test(
    "refuses what comes to nothing, and commits nothing",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.answer(rate("0.5"))
      const error = yield* Effect.flip(conversions.convert(asked("0.01")))
      assert.strictEqual(error._tag, "AmountOutOfRange")
      assert.deepStrictEqual(yield* records, [])
    })
  )

  test(
    "converts at the last known good rate when the provider is gone, and says that it is stale",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* conversions.convert(asked("1"))
      yield* provider.answer(failing)
      yield* TestClock.adjust("1 day")
      assert.strictEqual(JSON.parse((yield* conversions.convert(asked("1"))).body).stale, true)
    })
  )
})

describe("Idempotency", () => {
  test(
    "makes one record of fifty at once with one key, and tells all of them the same or to wait",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const request = asked("500", { idempotencyKey: "key-1" })
      const results = yield* Effect.all(
        Array.from({ length: 50 }, () => Effect.result(conversions.convert(request))),
        { concurrency: "unbounded" }
      )
      const bodies = new Set(results.filter(Result.isSuccess).map(({ success }) => success.body))
      assert.strictEqual(bodies.size, 1)
      for (const { failure } of results.filter(Result.isFailure))
        assert.strictEqual(failure._tag, "IdempotencyConflict")
      assert.strictEqual((yield* records).length, 1)
      const replay = yield* conversions.convert(request)
      assert.isTrue(replay.replayed)
      assert.isTrue(bodies.has(replay.body))
    })
  )

  test(
    "refuses the key for another request, and keeps keys of others apart",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      yield* conversions.convert(asked("500", { idempotencyKey: "key" }))
      const error = yield* Effect.flip(conversions.convert(asked("501", { idempotencyKey: "key" })))
      assert.strictEqual(error._tag, "IdempotencyMismatch")
      const other = yield* conversions.convert(asked("501", { idempotencyKey: "key", principal: "other" }))
      assert.isFalse(other.replayed)
      assert.strictEqual((yield* records).length, 2)
    })
  )
})

describe("Quotes", () => {
  test(
    "give their numbers, whatever the rate is by then",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const provider = yield* TestProvider
      const quote = yield* quotes.create(asked("500"), Duration.minutes(30))
      yield* provider.answer(rate("9"))
      yield* TestClock.adjust("20 minutes")
      const body = JSON.parse((yield* conversions.convert(asked("500", { quoteId: quote.id }))).body)
      assert.strictEqual(body.mid_rate, "1500")
      assert.strictEqual(body.quote_id, quote.id)
      assert.strictEqual(yield* quotes.stateOf(yield* quotes.byId(quote.id)), "used")
    })
  )

  test(
    "have one winner among a hundred",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(asked("500"), Duration.minutes(1))
      const results = yield* Effect.all(
        Array.from({ length: 100 }, () =>
          Effect.result(conversions.convert(asked("500", { quoteId: quote.id })))
        ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      for (const { failure } of results.filter(Result.isFailure))
        assert.strictEqual(failure._tag, "QuoteUsed")
      assert.strictEqual((yield* records).length, 1)
    })
  )

  test(
    "expire, and still answer under the key that used them",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(asked("500"), Duration.seconds(30))
      const late = yield* quotes.create(asked("500"), Duration.seconds(30))
      const request = asked("500", { quoteId: quote.id, idempotencyKey: "once" })
      const first = yield* conversions.convert(request)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Effect.flip(conversions.convert(asked("500", { quoteId: late.id })))
      assert.strictEqual(error._tag, "QuoteExpired")
      const again = yield* conversions.convert(request)
      assert.deepStrictEqual(again, { body: first.body, replayed: true })
    })
  )

  test(
    "do not serve a request that says something else",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(asked("500"), Duration.seconds(30))
      const error = yield* Effect.flip(conversions.convert(asked("501", { quoteId: quote.id })))
      assert.strictEqual(error._tag, "QuoteMismatch")
      assert.strictEqual(yield* quotes.stateOf(yield* quotes.byId(quote.id)), "open")
    })
  )
})

describe("conversion_audit", () => {
  test(
    "refuses UPDATE, DELETE and TRUNCATE for its owner, and numbers that do not follow from each other",
    Effect.gen(function* () {
      const conversions = yield* Conversions
      const { sql } = yield* Database
      yield* conversions.convert(asked("1"))
      for (const statement of [
        sql`UPDATE conversion_audit SET output_amount = 1`,
        sql`DELETE FROM conversion_audit`,
        sql`TRUNCATE conversion_audit CASCADE`
      ]) {
        const { reason } = yield* Effect.flip(statement)
        assert.include(String(reason.cause), "its rows are never changed")
      }
      const forged = yield* Effect.flip(sql`
        INSERT INTO conversion_audit SELECT gen_random_uuid(), source_currency, destination_currency, amount_type,
          input_amount, output_amount + 1, mid_rate, margin, rate, exact_output, residual, rate_id, provider,
          rate_fetched_at, stale, reference, principal, quote_id, converted_at FROM conversion_audit`)
      assert.strictEqual(forged.reason._tag, "ConstraintError")
    })
  )
})

import { assert, describe, it as test, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, Exit, Result } from "effect"
import { TestClock } from "effect/testing"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import * as CommittedConversion from "../../src/conversion/CommittedConversion.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import type { ConversionInput } from "../../src/conversion/ConversionInput.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { pairOf, tick } from "../support/RateTicks.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as TestConversions from "../support/TestConversions.ts"
import { failing, rate, TestProvider } from "../support/TestProvider.ts"

/** Tests share one database, so each has its own principal, and its own pair where it sets a rate. */
const inputsOf = (principal: string, from = "USD", to = "NGN") => ({
  input: (amount: string, over: Partial<ConversionInput> = {}) =>
    conversionRequest(amount, { principal, pair: pairOf(from, to), ...over }),
  records: Effect.gen(function* () {
    const audit = yield* AuditLog
    return (yield* audit.page({}, undefined, 1000)).filter((record) => record.principal === principal)
  })
})

layer(TestConversions.layer({ STALE_AFTER: "1 minute" }))("Conversions", (it) => {
  it.effect("commits an audit record with every number of the conversion", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("numbers")
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1534.12345678"))
      const { conversion } = yield* conversions.convert(input("500.00", { reference: "invoice 7" }))
      assert.strictEqual(conversion.output_amount, "763226.41")
      assert.strictEqual(conversion.rate, "1526.4528394961")
      const [record, ...others] = yield* records
      assert.deepStrictEqual(others, [])
      assert.deepInclude(record, {
        audit_id: conversion.audit_id,
        rate_id: conversion.rate_id,
        input_amount: "500.00",
        output_amount: "763226.41",
        exact_output: "763226.41974805",
        residual: "0.00974805",
        margin: "0.005",
        reference: "invoice 7",
        principal: "numbers"
      })
    })
  )

  it.effect(
    "is never converted before its rate was fetched by a node whose time is ahead by some milliseconds",
    () =>
      Effect.gen(function* () {
        const { input } = inputsOf("ahead", "GBP")
        const [conversions, quotes, provider] = [yield* Conversions, yield* Quotes, yield* TestProvider]
        yield* provider.respondWith(({ from, to }) =>
          Effect.flatMap(DateTime.now, (now) =>
            tick(from, to, "1900", DateTime.formatIso(DateTime.add(now, { milliseconds: 400 })))
          )
        )
        const { conversion } = yield* conversions.convert(input("5.00"))
        assert.strictEqual(conversion.converted_at, conversion.rate_fetched_at)
        const quote = yield* quotes.create(input("5.00"), Duration.seconds(30))
        assert.deepStrictEqual(quote.createdAt, quote.priced.rateFetchedAt)
      })
  )

  it.effect("rounds the input up for a target amount", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("target", "EUR")
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1500"))
      const { conversion } = yield* conversions.convert(input("100000", { amountType: "target" }))
      assert.strictEqual(conversion.output_amount, "100000.00")
      assert.strictEqual(conversion.input_amount, "67.01")
      assert.strictEqual((yield* records)[0]?.residual, "12.425")
    })
  )

  it.effect("rejects an amount below one minor unit of the target, and commits nothing", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("too small", "USD", "KES")
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("0.5"))
      const error = yield* Effect.flip(conversions.convert(input("0.01")))
      assert.strictEqual(error._tag, "AmountOutOfRange")
      assert.deepStrictEqual(yield* records, [])
    })
  )

  it.effect("uses the last known good rate, marked as stale, if the provider is unavailable", () =>
    Effect.gen(function* () {
      const { input } = inputsOf("stale", "GBP")
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("2000"))
      yield* conversions.convert(input("1"))
      yield* provider.respondWith(failing)
      yield* TestClock.adjust("2 minutes")
      assert.isTrue((yield* conversions.convert(input("1"))).conversion.stale)
    })
  )

  it.effect("commits one record for fifty concurrent requests with one idempotency key", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("one key")
      const conversions = yield* Conversions
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1500"))
      const request = input("500", { idempotencyKey: "key-1" })
      const results = yield* Effect.all(
        Array.from({ length: 50 }, () => Effect.result(conversions.convert(request))),
        { concurrency: "unbounded" }
      )
      const texts = new Set(
        results.filter(Result.isSuccess).map(({ success }) => CommittedConversion.toJson(success))
      )
      assert.strictEqual(texts.size, 1)
      for (const { failure } of results.filter(Result.isFailure))
        assert.strictEqual(failure._tag, "IdempotencyConflict")
      assert.strictEqual((yield* records).length, 1)
      const replay = yield* conversions.convert(request)
      assert.isTrue(replay.replayed)
      assert.isTrue(texts.has(CommittedConversion.toJson(replay)))
    })
  )

  it.effect("converts a batch with one outcome per input, and defers the inputs that need I/O", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("batch")
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(input("500"), Duration.minutes(30))
      yield* conversions.convert(input("1", { idempotencyKey: "used" }))
      const deferred: Array<number> = []
      const outcomes = yield* conversions.convertBatch(
        [
          input("500"),
          input("500", { quoteId: quote.id }),
          input("1", { idempotencyKey: "used" }),
          input("2", { idempotencyKey: "used" }),
          input("3", { idempotencyKey: "new" }),
          input("3", { idempotencyKey: "new" })
        ],
        (index) => deferred.push(index)
      )
      // The key of the last input was in use by the input before it.
      assert.deepStrictEqual(deferred, [1, 3, 5])
      const replays = outcomes.map((outcome) => outcome && Exit.isSuccess(outcome) && outcome.value.replayed)
      assert.deepStrictEqual(replays, [false, undefined, true, undefined, false, undefined])
      assert.strictEqual((yield* records).length, 3)
      // The batch has released its keys.
      const { replayed } = yield* conversions.convert(input("3", { idempotencyKey: "new" }))
      assert.isTrue(replayed)
    })
  )

  it.effect("rejects a used key for another request, and separates the keys of principals", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("first principal")
      const other = inputsOf("second principal")
      const conversions = yield* Conversions
      yield* conversions.convert(input("500", { idempotencyKey: "key" }))
      const error = yield* Effect.flip(conversions.convert(input("501", { idempotencyKey: "key" })))
      assert.strictEqual(error._tag, "IdempotencyMismatch")
      const { replayed } = yield* conversions.convert(other.input("501", { idempotencyKey: "key" }))
      assert.isFalse(replayed)
      assert.strictEqual((yield* records).length, 1)
      assert.strictEqual((yield* other.records).length, 1)
    })
  )

  it.effect("converts at the price of a quote after the rate has changed", () =>
    Effect.gen(function* () {
      const { input } = inputsOf("quote", "USD", "GHS")
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1500"))
      const quote = yield* quotes.create(input("500"), Duration.minutes(30))
      yield* provider.respondWith(rate("9"))
      yield* TestClock.adjust("2 minutes")
      const { conversion } = yield* conversions.convert(input("500", { quoteId: quote.id }))
      assert.strictEqual(conversion.mid_rate, "1500")
      assert.strictEqual(conversion.quote_id, quote.id)
      assert.strictEqual(yield* quotes.stateOf(yield* quotes.byId(quote.id, [quote.owner])), "used")
    })
  )

  it.effect("lets one of a hundred concurrent conversions use a quote", () =>
    Effect.gen(function* () {
      const { input, records } = inputsOf("contended quote")
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(input("500"), Duration.minutes(1))
      const results = yield* Effect.all(
        Array.from({ length: 100 }, () =>
          Effect.result(conversions.convert(input("500", { quoteId: quote.id })))
        ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      for (const { failure } of results.filter(Result.isFailure))
        assert.strictEqual(failure._tag, "QuoteUsed")
      assert.strictEqual((yield* records).length, 1)
    })
  )

  it.effect("rejects an expired quote, and replays a conversion whose quote has expired since", () =>
    Effect.gen(function* () {
      const { input } = inputsOf("expired quote")
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(input("500"), Duration.seconds(30))
      const unused = yield* quotes.create(input("500"), Duration.seconds(30))
      const request = input("500", { quoteId: quote.id, idempotencyKey: "once" })
      const first = yield* conversions.convert(request)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Effect.flip(conversions.convert(input("500", { quoteId: unused.id })))
      assert.strictEqual(error._tag, "QuoteExpired")
      const again = yield* conversions.convert(request)
      assert.deepStrictEqual(again, { ...first, replayed: true })
      assert.strictEqual(CommittedConversion.toJson(again), CommittedConversion.toJson(first))
    })
  )

  it.effect("rejects a request that differs from its quote, and leaves the quote open", () =>
    Effect.gen(function* () {
      const { input } = inputsOf("mismatch")
      const conversions = yield* Conversions
      const quotes = yield* Quotes
      const quote = yield* quotes.create(input("500"), Duration.seconds(30))
      const error = yield* Effect.flip(conversions.convert(input("501", { quoteId: quote.id })))
      assert.strictEqual(error._tag, "QuoteMismatch")
      assert.strictEqual(yield* quotes.stateOf(yield* quotes.byId(quote.id, [quote.owner])), "open")
    })
  )

  it.effect("stores records that even the table owner cannot change, and rejects inconsistent numbers", () =>
    Effect.gen(function* () {
      const { input } = inputsOf("immutable")
      const conversions = yield* Conversions
      const { sql } = yield* Database
      yield* conversions.convert(input("1"))
      for (const statement of [
        sql`UPDATE conversion_audit SET output_amount = 1`,
        sql`DELETE FROM conversion_audit`,
        sql`TRUNCATE conversion_audit CASCADE`
      ]) {
        const { reason } = yield* Effect.flip(statement)
        assert.include(String(reason.cause), "its rows are never changed")
      }
      const inconsistent = yield* Effect.flip(sql`
        INSERT INTO conversion_audit SELECT gen_random_uuid(), source_currency, destination_currency, amount_type,
          input_amount, output_amount + 1, mid_rate, margin, rate, exact_output, residual, rate_id, provider,
          rate_fetched_at, stale, reference, principal, quote_id, converted_at FROM conversion_audit`)
      assert.strictEqual(inconsistent.reason._tag, "ConstraintError")
    })
  )
})

layer(TestConversions.layer({ CONVERSION_MARGIN: "0.01", CONVERSION_MARGINS: "USD:NGN=0.02" }))(
  "Conversions with margins per pair",
  (it) => {
    it.effect("apply the margin of the pair, or else the standard margin", () =>
      Effect.gen(function* () {
        const conversions = yield* Conversions
        const special = yield* conversions.convert(inputsOf("special").input("100"))
        const standard = yield* conversions.convert(inputsOf("standard", "EUR").input("100"))
        assert.strictEqual(special.conversion.margin, "0.02")
        assert.strictEqual(standard.conversion.margin, "0.01")
      })
    )
  }
)

describe("CommittedConversion", () => {
  test("returns the stored text of a decoded conversion byte for byte", () => {
    const stored = `{"converted_at":"2026-01-01T00:00:00.000Z","audit_id":"01980000-0000-7000-8000-000000000000","from_currency":"USD", "to_currency":"NGN","input_amount":"1.00","output_amount":"2.00","mid_rate":"2","margin":"0","rate":"2","rate_id":"01980000-0000-7000-8000-000000000001","provider":"test","rate_fetched_at":"2026-01-01T00:00:00.000Z","stale":false}`
    const outcome = CommittedConversion.fromStoredJson(stored)
    assert.strictEqual(outcome.conversion.output_amount, "2.00")
    assert.strictEqual(CommittedConversion.toJson(outcome), stored)
  })
})

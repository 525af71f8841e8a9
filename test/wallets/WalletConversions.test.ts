import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { walletIdentityOf } from "../../src/domain/access/Principal.ts"
import { AuditId } from "../../src/domain/conversion/AuditId.ts"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RateCache } from "../../src/rates/lookup/RateCache.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import fixture from "../fixtures/conversion-entries.json" with { type: "json" }
import { pairOf } from "../support/RateTicks.ts"
import * as SampleRates from "../support/SampleRates.ts"
import { failing, TestProvider } from "../support/TestProvider.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"

const { convert } = Requests

for (const margin of new Set(fixture.cases.map((vector) => vector.margin))) {
  layer(Requests.layer({ CONVERSION_MARGIN: margin }))(
    `A conversion in a wallet at a margin of ${margin}`,
    (it) => {
      for (const { amount, amount_type, entries, from, mid_rate, to } of fixture.cases.filter(
        (vector) => vector.margin === margin
      )) {
        it.effect(`posts the exact entries of ${amount} ${from} to ${to} as ${amount_type}`, () =>
          Effect.gen(function* () {
            yield* Requests.setRate(mid_rate)
            const wallet = yield* TestWallets.user(`${from}-${to}-${amount_type}`.toLowerCase(), {
              [from]: "100000"
            })
            const { conversion } = yield* convert(wallet, amount, {
              pair: pairOf(from, to),
              amountType: amount_type === "target" ? "target" : "source"
            })
            assert.sameMembers(yield* Requests.entriesOf(conversion.audit_id), entries)
            assert.deepStrictEqual(yield* Requests.imbalances, [])
          })
        )
      }
    }
  )
}

layer(Requests.layer())("WalletConversions", (it) => {
  it.effect("commits a record of the user and a transfer with the same id", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const ann = yield* TestWallets.user("ann", { USD: "100" })
      const ben = yield* TestWallets.user("ben")
      const { conversion, replayed, rows } = yield* convert(ann, "40", { reference: "rent" })
      assert.isFalse(replayed)
      assert.deepStrictEqual(
        rows.map((row) => [
          row.id,
          row.kind,
          row.asset,
          Decimal.format(row.change),
          Decimal.format(row.balance),
          row.conversionId
        ]),
        [
          [conversion.audit_id, "conversion", "USD", "-40", "60", conversion.audit_id],
          [conversion.audit_id, "conversion", "NGN", "59700", "59700", conversion.audit_id]
        ]
      )
      const records = yield* Requests.recordsOf(ann)
      assert.strictEqual(records.length, 1)
      assert.include(records[0], {
        audit_id: conversion.audit_id,
        principal: walletIdentityOf(ann.userId).id,
        reference: "rent",
        output_amount: "59700.00"
      })
      const { byId } = yield* WalletConversions
      const id = AuditId.make(conversion.audit_id)
      assert.deepStrictEqual(yield* byId(ann, id), Option.some({ conversion, rows, replayed: false }))
      assert.deepStrictEqual(yield* byId(ben, id), Option.none())
    })
  )

  it.effect("does not return the other transactions of a wallet as conversions", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("depositor", { USD: "1" })
      const { sql } = yield* Database
      const [deposit] = yield* sql<{ id: string }>`
        SELECT transfer_id AS id FROM ledger_entry JOIN ledger_account ON ledger_account.id = account_id
        WHERE owner = ${wallet.id}`
      const { byId } = yield* WalletConversions
      assert.deepStrictEqual(yield* byId(wallet, AuditId.make(deposit?.id ?? "")), Option.none())
    })
  )

  it.effect("returns the first conversion of a key, also when there is no rate any more", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("retry", { USD: "100" })
      const first = yield* convert(wallet, "10", { key: "once" })
      yield* (yield* TestProvider).respondWith(failing)
      const again = yield* convert(wallet, "10.00", { key: "once" })
      assert.deepStrictEqual(again, { ...first, replayed: true })
      for (const other of [
        { amount: "11" },
        { amount: "10", reference: "other" },
        { amount: "10", amountType: "target" as const },
        { amount: "10", pair: pairOf("USD", "KES") }
      ]) {
        const { amount, ...terms } = other
        const error = yield* Effect.flip(convert(wallet, amount, { ...terms, key: "once" }))
        assert.strictEqual(error._tag, "IdempotencyMismatch")
      }
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, 1)
    })
  )

  it.effect(
    "refuses a key again that was refused for insufficient funds, also when its quote has expired",
    () =>
      Effect.gen(function* () {
        yield* Requests.setRate("1500")
        const wallet = yield* TestWallets.user("poor", { USD: "5" })
        const quoteId = yield* Requests.quote(wallet, "50")
        const refused = { _tag: "InsufficientFunds", available: "5.00" } as const
        const attempt = Effect.flip(convert(wallet, "50", { quoteId, key: "poor" }))
        assert.include(yield* attempt, refused)
        yield* TestWallets.fund(wallet, "100", "USD")
        assert.include(yield* attempt, refused)
        yield* TestClock.adjust("1 minute")
        assert.include(yield* attempt, refused)
        assert.strictEqual(
          (yield* Effect.flip(convert(wallet, "50", { quoteId, key: "new" })))._tag,
          "QuoteExpired"
        )
        assert.isFalse((yield* convert(wallet, "50", { key: "new" })).replayed)
        assert.strictEqual((yield* Requests.recordsOf(wallet)).length, 1)
      })
  )

  it.effect("refuses an amount that converts to less than one minor unit, and leaves its key free", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("0.5")
      const wallet = yield* TestWallets.user("tiny", { GBP: "5" })
      const over = { pair: pairOf("GBP", "KES"), key: "tiny" }
      const error = yield* Effect.flip(convert(wallet, "0.01", over))
      assert.strictEqual(
        error.message,
        "the amount is too small: it converts to less than one minor unit of KES"
      )
      yield* convert(wallet, "1", over)
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["GBP 4", "KES 0.49"])
    })
  )

  it.effect("converts once for a quote, which belongs to one user", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("quoted", { USD: "100" })
      const other = yield* TestWallets.user("other", { USD: "100" })
      const quoteId = yield* Requests.quote(wallet, "10")
      assert.strictEqual((yield* Effect.flip(convert(other, "10", { quoteId })))._tag, "QuoteNotFound")
      assert.include(yield* Effect.flip(convert(wallet, "11", { quoteId })), {
        _tag: "QuoteMismatch",
        field: "amount"
      })
      const first = yield* convert(wallet, "10", { quoteId, key: "quoted" })
      assert.strictEqual(first.conversion.quote_id, quoteId)
      assert.strictEqual((yield* Effect.flip(convert(wallet, "10", { quoteId })))._tag, "QuoteUsed")
      assert.isTrue((yield* convert(wallet, "10", { quoteId, key: "quoted" })).replayed)
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["NGN 14925", "USD 90"])
    })
  )

  it.effect("converts at the rate of the database if the cached one is unknown there", () =>
    Effect.gen(function* () {
      const pair = pairOf("EUR", "NGN")
      yield* Requests.setRate("2000")
      const wallet = yield* TestWallets.user("restored", { EUR: "10" })
      const { putLocal } = yield* RateCache
      putLocal({ ...SampleRates.rate(pair, 1), observedAt: yield* DateTime.now })
      const { conversion } = yield* convert(wallet, "1", { pair })
      assert.strictEqual(conversion.mid_rate, "2000")
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["EUR 9", "NGN 1990"])
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, 1)
    })
  )

  it.effect("earns what the documented query of a day's profit returns", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* Requests.setRate("149.87")
      const wallet = yield* TestWallets.user("profit", { GBP: "20" })
      const { conversion } = yield* convert(wallet, "10.01", { pair: pairOf("GBP", "UGX") })
      const transfer = yield* (yield* Ledger).transfer(TransferId.make(conversion.audit_id))
      const day = DateTime.formatIso(Option.getOrThrow(transfer).postedAt).slice(0, 10)
      const [, query = ""] =
        /```sql\n(SELECT account\.asset.*?)```/s.exec(readFileSync("docs/ledger.md", "utf8")) ?? []
      const rows = yield* sql.unsafe<{ asset: string; role: string; profit: string }>(
        query.replaceAll("2026-11-30", day)
      )
      assert.deepStrictEqual(
        rows.filter(({ asset }) => asset === "UGX").map(({ profit, role }) => `${role} ${profit}`),
        ["revenue.rounding 1", "revenue.spread 7"]
      )
    })
  )
})

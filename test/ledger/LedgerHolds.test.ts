import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerMaintenance } from "../../src/ledger/LedgerMaintenance.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import type { LedgerAccountId } from "../../src/domain/ledger/LedgerAccount.ts"
import type { HoldId } from "../../src/domain/ledger/LedgerPosting.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const end = (holdId: HoldId, outcome: "posted" | "voided", posted: string) => ({
  ...Postings.empty(),
  ends: [{ holdId, outcome, posted: Postings.amount(posted) }]
})

const state = (id: LedgerAccountId) =>
  Effect.map(
    Effect.flatMap(Ledger, ({ accountById }) => accountById(id)),
    (account) => {
      const { available, balance, held } = Option.getOrThrow(account)
      return [balance, held, available].map(Decimal.format)
    }
  )

/** Opens a hold that has expired by the time of the database when the effect returns. */
const openExpired = Effect.fnUntraced(function* (account: LedgerAccountId, amount: string) {
  const { sql } = yield* Database
  const { post } = yield* Ledger
  const [row] = yield* sql<{ soon: Date }>`SELECT clock_timestamp() + interval '20 milliseconds' AS soon`
  const held = Postings.hold(account, amount, DateTime.fromDateUnsafe(row?.soon ?? new Date(0)))
  yield* post([held.posting])
  yield* sql`SELECT pg_sleep_until(${row?.soon ?? new Date(0)})`
  return held.id
})

const tags = (outcomes: ReadonlyArray<{ readonly _tag: string }>) => outcomes.map(({ _tag }) => _tag)

layer(
  Layer.mergeAll(Ledger.layer, LedgerMaintenance.layer, LedgerVerifier.layer).pipe(
    Layer.provideMerge(TestDatabase.layer())
  ),
  { excludeTestServices: true }
)("Holds", (it) => {
  it.effect("reserve money until they are posted in part, and release the rest", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10", "0"])
      const [a, b] = accounts
      const held = Postings.hold(a, "6")
      assert.deepStrictEqual(tags(yield* post([held.posting, Postings.move(a, b, "5")])), [
        "Posted",
        "InsufficientFunds"
      ])
      assert.deepStrictEqual(yield* state(a), ["10", "6", "4"])
      const posting = { ...Postings.move(a, b, "2.5"), ends: end(held.id, "posted", "2.5").ends }
      assert.deepStrictEqual(tags(yield* post([posting])), ["Posted"])
      assert.deepStrictEqual(yield* state(a), ["7.5", "0", "7.5"])
    })
  )

  it.effect("end once, also within one batch and within one posting", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10"])
      const held = Postings.hold(accounts[0], "6")
      const twice = Postings.hold(accounts[0], "1")
      yield* post([held.posting, twice.posting])
      const double = { ...end(twice.id, "voided", "0") }
      assert.deepStrictEqual(
        tags(
          yield* post([
            end(held.id, "voided", "0"),
            end(held.id, "posted", "6"),
            { ...double, ends: [...double.ends, ...double.ends] }
          ])
        ),
        ["Posted", "HoldEnded", "HoldEnded"]
      )
      assert.deepStrictEqual(tags(yield* post([end(held.id, "voided", "0")])), ["HoldEnded"])
      assert.deepStrictEqual(yield* state(accounts[0]), ["10", "1", "9"])
    })
  )

  it.effect("are not posted above their amount, and unknown ones are refused", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10"])
      const held = Postings.hold(accounts[0], "6")
      yield* post([held.posting])
      assert.deepStrictEqual(
        tags(yield* post([end(held.id, "posted", "6.01"), end(Postings.holdId(), "voided", "0")])),
        ["ExceedsHold", "HoldNotFound"]
      )
    })
  )

  it.effect("free their money when they expire, before anything ends them", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10", "0"])
      const [a, b] = accounts
      const id = yield* openExpired(a, "10")
      assert.deepStrictEqual(yield* state(a), ["10", "0", "10"])
      assert.deepStrictEqual(tags(yield* post([end(id, "posted", "10"), Postings.move(a, b, "10")])), [
        "HoldExpired",
        "Posted"
      ])
      assert.deepStrictEqual(tags(yield* post([end(id, "voided", "0")])), ["HoldExpired"])
      assert.deepStrictEqual(yield* state(a), ["0", "0", "0"])
    })
  )

  it.effect("end once if they are posted, voided and expired at the moment of their expiry", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { expireHolds } = yield* LedgerMaintenance
      const { sql } = yield* Database
      const { accounts } = yield* Postings.openFunded("USD", ["100", "0"])
      const [a, b] = accounts
      let posted = 0
      for (let round = 0; round < 20; round++) {
        const [row] = yield* sql<{
          soon: Date
        }>`SELECT clock_timestamp() + interval '15 milliseconds' AS soon`
        const soon = row?.soon ?? new Date(0)
        const held = Postings.hold(a, "1", DateTime.fromDateUnsafe(soon))
        yield* post([held.posting])
        const capture = { ...Postings.move(a, b, "1"), ends: end(held.id, "posted", "1").ends }
        // Around the moment of expiry, in a random order.
        const [offset] = yield* sql<{ at: Date }>`
          SELECT ${soon}::timestamptz + make_interval(secs => (random() - 0.7) * 0.006) AS at`
        yield* sql`SELECT pg_sleep_until(${offset?.at ?? soon})`
        const [[captured], [voided]] = yield* Effect.all(
          [post([capture]), post([end(held.id, "voided", "0")]), expireHolds],
          { concurrency: "unbounded" }
        )
        const tagsOf = [captured?._tag, voided?._tag]
        assert.isAtMost(tagsOf.filter((tag) => tag === "Posted").length, 1, tagsOf.join())
        for (const tag of tagsOf) assert.include(["Posted", "HoldEnded", "HoldExpired"], tag)
        if (captured?._tag === "Posted") posted++
        yield* sql`SELECT pg_sleep_until(${soon})`
        yield* expireHolds
      }
      const [ends] = yield* sql<{ holds: number; ends: number }>`
        SELECT count(*)::int AS holds, count(ended.hold_id)::int AS ends FROM ledger_hold AS hold
        LEFT JOIN ledger_hold_end AS ended ON ended.hold_id = hold.id WHERE account_id = ${a}::bigint`
      assert.deepStrictEqual(ends, { holds: 20, ends: 20 })
      assert.deepStrictEqual(yield* state(a), [String(100 - posted), "0", String(100 - posted)])
      assert.deepStrictEqual(yield* state(b), [String(posted), "0", String(posted)])
    })
  )

  it.effect("are ended in the background when they expired", () =>
    Effect.gen(function* () {
      const { expireHolds, measure } = yield* LedgerMaintenance
      const { accounts } = yield* Postings.openFunded("USD", ["10"])
      yield* openExpired(accounts[0], "4")
      const { sql } = yield* Database
      const held = sql<{ held: string }>`SELECT held FROM ledger_account WHERE id = ${accounts[0]}::bigint`
      assert.deepStrictEqual(yield* held, [{ held: "4" }])
      assert.strictEqual(yield* expireHolds, 1)
      assert.strictEqual(yield* expireHolds, 0)
      assert.deepStrictEqual(yield* held, [{ held: "0" }])
      yield* measure
    })
  )

  it.effect("open and end in one batch, in the order of the postings", () =>
    Effect.gen(function* () {
      const { post } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10"])
      const held = Postings.hold(accounts[0], "6")
      // A hold of the same batch is not stored yet, when its end is looked up.
      assert.deepStrictEqual(tags(yield* post([held.posting, end(held.id, "voided", "0")])), [
        "Posted",
        "HoldNotFound"
      ])
    })
  )

  it.effect("and entries are refused on a frozen account, which still releases its holds", () =>
    Effect.gen(function* () {
      const { post, setFrozen } = yield* Ledger
      const { accounts } = yield* Postings.openFunded("USD", ["10", "5"])
      const [a, b] = accounts
      const held = Postings.hold(a, "6")
      yield* post([held.posting])
      assert.isTrue(yield* setFrozen(a, true))
      assert.deepStrictEqual(
        tags(
          yield* post([
            Postings.move(a, b, "1"),
            Postings.move(b, a, "1"),
            Postings.hold(a, "1").posting,
            end(held.id, "voided", "0")
          ])
        ),
        ["AccountFrozen", "AccountFrozen", "AccountFrozen", "Posted"]
      )
      yield* setFrozen(a, false)
      assert.deepStrictEqual(tags(yield* post([Postings.move(a, b, "10")])), ["Posted"])
    })
  )

  it.effect("leave a ledger that verifies", () =>
    Effect.gen(function* () {
      assert.isTrue((yield* (yield* LedgerVerifier).verify).ok)
    })
  )
})

import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Exit, Layer, Metric } from "effect"
import { randomUUID } from "node:crypto"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import * as LedgerMetrics from "../../src/platform/metrics/LedgerMetrics.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

layer(Ledger.layer.pipe(Layer.provideMerge(TestDatabase.layer())), { excludeTestServices: true })(
  "Ledger",
  (it) => {
    it.effect("moves money between accounts, and refuses what is not there", () =>
      Effect.gen(function* () {
        const { post, trialBalance, transfer } = yield* Ledger
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10", "0"])
        const [a, b] = accounts
        const outcomes = yield* post([
          Postings.move(a, b, "4"),
          Postings.move(a, b, "7"),
          Postings.move(b, a, "1.5")
        ])
        assert.deepStrictEqual(
          outcomes.map(({ _tag }) => _tag),
          ["Posted", "InsufficientFunds", "Posted"]
        )
        assert.deepStrictEqual(yield* balances, ["7.5", "2.5"])
        const [first] = outcomes
        assert(first?._tag === "Posted")
        const found = yield* transfer(first.id)
        assert(found._tag === "Some")
        assert.strictEqual(found.value.entries.length, 2)
        assert.strictEqual((yield* trialBalance(undefined)).length, 2)
      })
    )

    it.effect("returns the first outcome of a key, refusals included, and nothing to another request", () =>
      Effect.gen(function* () {
        const { post } = yield* Ledger
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10", "0"])
        const [a, b] = accounts
        const first = Postings.move(a, b, "20", { key: "k1" })
        const outcomes = yield* post([first, Postings.move(b, a, "0.01", { key: "k2" }), first])
        assert.deepStrictEqual(
          outcomes.map(({ _tag, replayed }) => [_tag, replayed]),
          [
            ["InsufficientFunds", false],
            ["InsufficientFunds", false],
            ["InsufficientFunds", true]
          ]
        )
        yield* post([Postings.move(a, b, "10", { key: "k3" })])
        const again = yield* post([
          Postings.move(a, b, "10", { key: "k3" }),
          Postings.move(a, b, "1", { key: "k3", hash: "other" })
        ])
        assert.deepStrictEqual(
          again.map(({ _tag, replayed }) => [_tag, replayed]),
          [
            ["Posted", true],
            ["KeyMismatch", false]
          ]
        )
        assert.deepStrictEqual(yield* balances, ["0", "10"])
      })
    )

    it.effect("keeps 18 decimals above 2^53 exact in balances, entries and history", () =>
      Effect.gen(function* () {
        const { sql } = yield* Database
        yield* sql`
        INSERT INTO asset (code, kind, name, decimals, updated_by) VALUES ('ETH', 'crypto', 'Ether', 18, 'test')`
        const ledger = yield* Ledger
        const total = "9007199254740993.000000000000000001"
        const { accounts, balances } = yield* Postings.openFunded("ETH", [total, "0"])
        const [a, b] = accounts
        yield* ledger.post([Postings.move(a, b, "0.000000000000000001")])
        assert.deepStrictEqual(yield* balances, ["9007199254740993", "0.000000000000000001"])
        const [latest] = yield* ledger.entriesOf(a, undefined, 1)
        assert.strictEqual(latest && Decimal.format(latest.amount), "-0.000000000000000001")
      })
    )

    it.effect("rejects an unbalanced posting without failing the others of its batch", () =>
      Effect.gen(function* () {
        const { post } = yield* Ledger
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10", "0"])
        const [a, b] = accounts
        const unbalanced = { ...Postings.empty(), entries: [{ account: b, amount: Postings.amount("1") }] }
        const [first, second] = yield* Effect.all(
          [Effect.exit(post([unbalanced])), Effect.exit(post([Postings.move(a, b, "3")]))],
          { concurrency: 2 }
        )
        assert.isTrue(Exit.isFailure(first))
        assert(Exit.isSuccess(second))
        assert.deepStrictEqual(yield* balances, ["7", "3"])
      })
    )

    it.effect("judges a posting by its net effect, and posts a transfer of an account to itself", () =>
      Effect.gen(function* () {
        const { post } = yield* Ledger
        const { accounts, balances } = yield* Postings.openFunded("USD", ["1", "0"])
        const [a, b] = accounts
        // Step by step, the account would fall below zero.
        const swap = Postings.move(a, b, "5")
        const net = { ...swap, entries: [...swap.entries, ...Postings.move(b, a, "5").entries] }
        const outcomes = yield* post([net, Postings.move(a, a, "9")])
        assert.deepStrictEqual(
          outcomes.map(({ _tag }) => _tag),
          ["Posted", "Posted"]
        )
        assert.deepStrictEqual(yield* balances, ["1", "0"])
      })
    )

    it.effect("posts within the transaction of the caller, or not at all if it fails", () =>
      Effect.gen(function* () {
        const { postWithin } = yield* Ledger
        const { transaction } = yield* Database
        const { accounts, balances } = yield* Postings.openFunded("USD", ["10", "0"])
        const [a, b] = accounts
        const posting = postWithin([Postings.move(a, b, "2", { key: "within" })])
        const posted = Effect.map(
          Metric.value(LedgerMetrics.postings.of({ outcome: "Posted" })),
          ({ count }) => count
        )
        const before = yield* posted
        yield* Effect.exit(transaction(Effect.andThen(posting, Effect.fail("no"))))
        assert.deepStrictEqual(yield* balances, ["10", "0"])
        const [outcome] = yield* transaction(posting)
        assert.deepInclude(outcome, { _tag: "Posted", replayed: false })
        assert.deepStrictEqual(yield* balances, ["8", "2"])
        assert.strictEqual((yield* posted) - before, 1)
      })
    )

    it.effect("returns the balances at a time, also between entries of one millisecond", () =>
      Effect.gen(function* () {
        const { balancesAt, entriesOf, openAccounts, post } = yield* Ledger
        const owner = randomUUID()
        const asset = AssetCode.make("USD")
        const { accounts } = yield* Postings.openFunded("USD", ["100"])
        const [account] = yield* openAccounts([{ owner, role: "user", asset, minBalance: "0" }])
        assert(account !== undefined)
        assert.deepStrictEqual(yield* openAccounts([{ owner, role: "user", asset, minBalance: "0" }]), [
          account
        ])
        yield* post(Array.from({ length: 10 }, () => Postings.move(accounts[0], account, "1")))
        yield* Effect.sleep("20 millis")
        yield* post([Postings.move(account, accounts[0], "4")])
        const entries = yield* entriesOf(account, undefined, 100)
        assert.deepStrictEqual(
          entries.map(({ balance }) => Decimal.format(balance)),
          ["6", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1"]
        )
        const at = (time: DateTime.Utc) =>
          Effect.map(balancesAt(owner, time), (rows) => rows.map(({ balance }) => Decimal.format(balance)))
        const [last, tenth] = entries
        assert(last !== undefined && tenth !== undefined)
        assert.deepStrictEqual(yield* at(last.postedAt), ["6"])
        assert.deepStrictEqual(yield* at(tenth.postedAt), ["10"])
        assert.deepStrictEqual(yield* at(DateTime.subtract(tenth.postedAt, { milliseconds: 1 })), ["0"])
      })
    )
  }
)

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Ledger } from "../../src/ledger/Ledger.ts"
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
  }
)

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { LedgerVerifier } from "../../../src/ledger/LedgerVerifier.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { FundingClient } from "../../../src/wallets/funding/FundingClient.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettler } from "../../../src/wallets/funding/FundingSettler.ts"
import { Wallets } from "../../../src/wallets/Wallets.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

layer(TestFunding.layer(FundingClient.layerManual))("Funding", (it) => {
  it.effect("stores one request for concurrent retries of a key on two nodes", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("ann", { USD: "100" })
      const second = yield* Layer.build(Layer.fresh(TestFunding.node))
      for (const direction of ["deposit", "withdrawal"] as const) {
        const results = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, n) => n),
          (n) => {
            const one = TestFunding.request(user, direction, "10", { key: `key ${direction}` })
            return n % 2 === 0 ? one : Effect.provideContext(one, second)
          },
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(results.map(({ request }) => request.id)).size, 1)
        assert.strictEqual(results.filter(({ replayed }) => !replayed).length, 1)
      }
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 90"])
    })
  )

  it.effect("never holds more than there is, with 40 concurrent withdrawals", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("rich", { USD: "10" })
      const results = yield* Effect.forEach(
        Array.from({ length: 40 }),
        () => Effect.result(TestFunding.request(user, "withdrawal", "1")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(({ _tag }) => _tag === "Success").length, 10)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 0"])
      const [account] = yield* (yield* Wallets).accountsOf(user.id)
      assert.strictEqual(String(account?.balance), "BigDecimal(10)")
    })
  )

  it.effect("returns the first refusal of a key, and refuses another request with it", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("poor", { USD: "1" })
      const attempt = (amount: string, direction: "deposit" | "withdrawal" = "withdrawal") =>
        Effect.flip(TestFunding.request(user, direction, amount, { key: "key" }))
      assert.deepInclude(yield* attempt("5"), { _tag: "InsufficientFunds", available: "1.00" })
      yield* TestWallets.fund(user, "10", "USD")
      assert.deepInclude(yield* attempt("5"), { _tag: "InsufficientFunds", available: "1.00" })
      assert.strictEqual((yield* attempt("4"))._tag, "IdempotencyMismatch")
      assert.strictEqual((yield* attempt("5", "deposit"))._tag, "IdempotencyMismatch")
      const rows = yield* (yield* FundingRepo).page({ wallet: user.id }, undefined, 10)
      assert.deepStrictEqual(rows, [])
    })
  )

  it.effect("keeps 18 decimals", () =>
    Effect.gen(function* () {
      yield* TestFunding.list("ETH", 18)
      const user = yield* TestWallets.user("wei", { ETH: "123456789012345678.123456789012345678" })
      const { request } = yield* TestFunding.request(user, "withdrawal", "0.000000000000000001", {
        asset: "ETH"
      })
      assert.deepInclude(String((yield* TestFunding.stored(request)).amount), "1e-18")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["ETH 123456789012345678.123456789012345677"])
    })
  )

  it.effect("refuses deposits of a delisted asset, and pays it out", () =>
    Effect.gen(function* () {
      yield* TestFunding.list("OLD", 8)
      const user = yield* TestWallets.user("old", { OLD: "2" })
      const first = yield* TestFunding.request(user, "deposit", "1", { asset: "OLD", key: "key" })
      yield* TestFunding.delist("OLD")
      const refused = yield* Effect.flip(TestFunding.request(user, "deposit", "1", { asset: "OLD" }))
      assert.strictEqual(refused._tag, "AssetUnavailable")
      assert.deepInclude(yield* TestFunding.request(user, "deposit", "1", { asset: "OLD", key: "key" }), {
        request: first.request,
        replayed: true
      })
      const { request } = yield* TestFunding.request(user, "withdrawal", "2", { asset: "OLD" })
      assert.strictEqual(request.state, "pending")
    })
  )

  it.effect("measures the pending requests of both directions", () =>
    Effect.gen(function* () {
      const { pending } = yield* FundingRepo
      yield* (yield* FundingSettler).measure
      const rows = yield* pending
      assert.deepStrictEqual(rows.map(({ direction }) => direction).toSorted(), ["deposit", "withdrawal"])
      assert.isTrue(rows.every(({ count }) => count > 0))
    })
  )

  it.effect("leaves a ledger that verifies", () =>
    Effect.gen(function* () {
      const { verify } = yield* LedgerVerifier
      assert.isTrue((yield* verify).ok)
      assert.isNotEmpty(yield* (yield* Ledger).trialBalance(undefined))
    }).pipe(Effect.provide(LedgerVerifier.layer))
  )
})

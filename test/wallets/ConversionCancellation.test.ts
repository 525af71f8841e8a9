import { assert, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import { TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import * as RiskMetrics from "../../src/platform/metrics/RiskMetrics.ts"
import { Reviews } from "../../src/risk/Reviews.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as OpenTransaction from "../support/OpenTransaction.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"

const { decide, heldConversion } = TestReviews
const { balances } = TestWallets

const cancel = Effect.fnUntraced(function* (wallet: NamedWallet, id: string) {
  const { cancel } = yield* WalletConversions
  return yield* cancel(wallet, TransferId.make(id), `user:${wallet.userId}`)
})

const counted = (outcome: "cancelled" | "expired") =>
  Effect.map(Metric.value(RiskMetrics.reviews.of({ outcome })), ({ count }) => count)

const hasEnded = <A, E, R>(end: Effect.Effect<A, E, R>) =>
  Effect.match(end, { onSuccess: () => true, onFailure: () => false })

// Holds expire by the time of the database.
const LIVE = { excludeTestServices: true }

layer(TestReviews.layer({ CONVERSION_MARGIN: "0" }), LIVE)("Cancelling a held conversion", (it) => {
  it.effect("gives the money back, and ends the review", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("canceller")
      const before = yield* counted("cancelled")
      const review = Option.getOrThrow(yield* cancel(wallet, id))
      assert.include(review, {
        state: "cancelled",
        decidedBy: `user:${wallet.userId}`,
        reason: "The user cancelled the conversion"
      })
      assert.strictEqual(yield* counted("cancelled"), before + 1)
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
      assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      for (const how of ["approve", "reject"] as const)
        assert.include(yield* Effect.flip(decide(how, id)), { _tag: "ReviewDecided", state: "cancelled" })
    })
  )

  it.effect("of somebody else is refused without a lock on its review", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("lock-owner")
      const stranger = yield* TestWallets.user("lock-stranger", { USD: "100" })
      const { lockWithin } = yield* Reviews
      const found = yield* OpenTransaction.during(lockWithin(TransferId.make(id)), cancel(stranger, id))
      assert.isTrue(Option.isNone(found))
      assert.include(Option.getOrThrow(yield* cancel(wallet, id)), { state: "cancelled" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
    })
  )

  it.effect("is refused once it has ended, with its state", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("late")
      yield* cancel(wallet, id)
      assert.include(yield* Effect.flip(cancel(wallet, id)), {
        _tag: "ConversionNotCancellable",
        state: "cancelled"
      })
      const approved = yield* heldConversion("approved")
      const { transfer } = yield* decide("approve", approved.id)
      for (const ended of [approved.id, transfer ?? ""])
        assert.include(yield* Effect.flip(cancel(approved.wallet, ended)), {
          _tag: "ConversionNotCancellable",
          state: "completed"
        })
    })
  )

  it.effect("does not find those of other wallets", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("owner")
      const stranger = yield* TestWallets.user("stranger")
      assert.deepStrictEqual(yield* cancel(stranger, id), Option.none())
      assert.deepStrictEqual(yield* balances(wallet), ["USD 60"])
      yield* cancel(wallet, id)
    })
  )

  it.effect("gives the money of a frozen account back", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("frozen")
      const accounts = ["USD", "NGN"].map((code) => walletAccount(wallet.id, AssetCode.make(code)))
      const { setFrozen } = yield* Ledger
      for (const account of yield* (yield* Wallets).accountIds(accounts)) yield* setFrozen(account, true)
      assert.include(yield* Effect.flip(decide("approve", id)), { _tag: "ReviewRefused" })
      assert.include(Option.getOrThrow(yield* cancel(wallet, id)), { state: "cancelled" })
      assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
    })
  )

  it.effect("and a decision at the same time end it once", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const { id, wallet } = yield* heldConversion("race")
      const second = yield* Layer.build(Layer.fresh(TestReviews.node))
      const results = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => n),
        (n) => {
          const ended = Effect.gen(function* () {
            if (n % 3 === 0) return yield* hasEnded(cancel(wallet, id))
            return yield* hasEnded(decide(n % 3 === 1 ? "approve" : "reject", id))
          })
          return n % 2 === 0 ? ended : Effect.provideContext(ended, second)
        },
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter((isEnd) => isEnd).length, 1)
      const { state } = Option.getOrThrow(yield* (yield* Reviews).find(id))
      const isApproved = state === "approved"
      assert.deepStrictEqual(yield* balances(wallet), isApproved ? ["NGN 60000", "USD 60"] : ["USD 100"])
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, isApproved ? 1 : 0)
    })
  )

  it.effect("leaves a ledger that verifies", () =>
    Effect.gen(function* () {
      const { verify } = yield* Effect.provide(LedgerVerifier, LedgerVerifier.layer)
      assert.include(yield* verify, { ok: true })
    })
  )
})

layer(TestReviews.layer({ RISK_REVIEW_EXPIRY: "1 second", CONVERSION_MARGIN: "0" }), LIVE)(
  "A held conversion that expires",
  (it) => {
    it.effect("cannot be cancelled, and is counted once", () =>
      Effect.gen(function* () {
        yield* Requests.setRate("1500")
        const { countExpired, find } = yield* Reviews
        const { id, wallet } = yield* heldConversion("expired")
        const start = DateTime.subtractDuration(yield* DateTime.now, Duration.minutes(1))
        while (Option.getOrThrow(yield* find(id)).state === "pending") yield* Effect.sleep("50 millis")
        assert.include(yield* Effect.flip(cancel(wallet, id)), {
          _tag: "ConversionNotCancellable",
          state: "expired"
        })
        assert.deepStrictEqual(yield* balances(wallet), ["USD 100"])
        const before = yield* counted("expired")
        const until = yield* countExpired(start)
        yield* countExpired(until)
        assert.strictEqual(yield* counted("expired"), before + 1)
      })
    )
  }
)

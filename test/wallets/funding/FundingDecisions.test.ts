import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, Option } from "effect"
import { ApiKeyRepo } from "../../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../../src/access/ApiKeys.ts"
import { AdminActions } from "../../../src/accounts/AdminActions.ts"
import type { FundingRequest } from "../../../src/domain/wallets/Funding.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { Funding } from "../../../src/wallets/funding/Funding.ts"
import { FundingDecisions } from "../../../src/wallets/funding/FundingDecisions.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettlement } from "../../../src/wallets/funding/FundingSettlement.ts"
import { walletAccount, Wallets } from "../../../src/wallets/Wallets.ts"
import * as Callers from "../../support/Callers.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const confirm = Effect.fnUntraced(function* (
  { id }: FundingRequest,
  reference: string,
  principal = "user:first"
) {
  return yield* (yield* FundingDecisions).confirm({ id, principal, reference })
})
const refuse = Effect.fnUntraced(function* (
  { id }: FundingRequest,
  reason = "no payment",
  principal = "user:second"
) {
  return yield* (yield* FundingDecisions).refuse({ id, principal, reason })
})

const actionsOn = Effect.fnUntraced(function* ({ id }: FundingRequest) {
  const found = yield* (yield* AdminActions).list({ subject: id, before: undefined, limit: 10 })
  return found.map(({ action, principal }) => `${action} ${principal}`)
})

layer(
  TestFunding.node.pipe(
    Layer.provideMerge(Layer.mergeAll(TestFunding.ScriptedProvider.layer, FundingRepo.layer)),
    Layer.provideMerge(TestWallets.layer())
  )
)("FundingDecisions", (it) => {
  it.effect("two administrators confirm at once: one wins, and the other learns the outcome", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann")
      const { request } = yield* TestFunding.request(ann, "deposit", "10")
      const second = yield* Layer.build(Layer.fresh(TestFunding.node))
      const results = yield* Effect.all(
        [
          Effect.result(confirm(request, "PAYMENT 1", "user:first")),
          Effect.result(Effect.provideContext(confirm(request, "PAYMENT 2", "user:second"), second))
        ],
        { concurrency: "unbounded" }
      )
      const [won] = results.flatMap((result) => (result._tag === "Success" ? [result.success] : []))
      const [lost] = results.flatMap((result) => (result._tag === "Failure" ? [result.failure] : []))
      if (won === undefined) return assert.fail("nobody won")
      assert.deepInclude(lost, { _tag: "FundingEnded", state: "completed", reference: won.reference })
      assert.deepStrictEqual(yield* actionsOn(request), [`funding.confirm ${won.settledBy}`])
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 10"])
    })
  )

  it.effect(
    "a hold is posted or voided, never both, when a withdrawal is confirmed and refused at once",
    () =>
      Effect.gen(function* () {
        const user = yield* TestWallets.user("both", { USD: "50" })
        for (let round = 0; round < 5; round++) {
          const before = Number((yield* TestWallets.balances(user))[0]?.slice(4))
          const { request } = yield* TestFunding.request(user, "withdrawal", "10")
          const results = yield* Effect.all(
            [Effect.result(confirm(request, `OUT ${round}`)), Effect.result(refuse(request))],
            { concurrency: "unbounded" }
          )
          assert.strictEqual(results.filter(({ _tag }) => _tag === "Success").length, 1)
          const { state } = yield* TestFunding.stored(request)
          const expected = state === "completed" ? before - 10 : before
          assert.deepStrictEqual(yield* TestWallets.balances(user), [`USD ${expected}`])
          const [account] = yield* (yield* Wallets).accountsOf(user.id)
          assert.strictEqual(String(account?.held), "BigDecimal(0)")
        }
      })
  )

  it.effect("a payment completes one of two requests that are confirmed with it at once", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("shared")
      const requests = yield* Effect.forEach([1, 2], () =>
        Effect.map(TestFunding.request(user, "deposit", "3"), ({ request }) => request)
      )
      const results = yield* Effect.forEach(
        requests,
        (request, n) => Effect.result(confirm(request, n === 0 ? "Shared  1" : "SHARED 1")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : [])),
        ["PaymentReferenceUsed"]
      )
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 3"])
    })
  )

  it.effect("an ended request takes no other decision, and no other answer of the provider", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("ended", { USD: "5" })
      const { request } = yield* TestFunding.request(user, "withdrawal", "5")
      yield* refuse(request, "closed account")
      for (const attempt of [confirm(request, "LATE"), refuse(request)])
        assert.deepInclude(yield* Effect.flip(attempt), {
          _tag: "FundingEnded",
          state: "failed",
          reason: "closed account"
        })
      const logged: Array<unknown> = []
      const { apply } = yield* FundingSettlement
      const after = yield* apply(request, { state: "completed", reference: "PAID" }).pipe(
        Effect.provide(Logger.layer([Logger.make(({ message }) => logged.push(message))]))
      )
      assert.strictEqual(after.state, "failed")
      assert.match(JSON.stringify(logged), /another outcome .* than the administrator who ended it/)
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
    })
  )

  it.effect("an answer with the payment of another request leaves the request to administrators", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("reused")
      const { request: first } = yield* TestFunding.request(user, "deposit", "1")
      const { request: second } = yield* TestFunding.request(user, "deposit", "1")
      const { apply } = yield* FundingSettlement
      yield* apply(first, { state: "completed", reference: "REUSED" })
      const after = yield* apply(second, { state: "completed", reference: "REUSED" })
      assert.strictEqual(after.state, "pending")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 1"])
    })
  )

  it.effect("administrators do not decide on their own money", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("own", { USD: "1" })
      for (const direction of ["deposit", "withdrawal"] as const) {
        const { request } = yield* TestFunding.request(user, direction, "1")
        const self = `user:${user.userId}`
        assert.strictEqual((yield* Effect.flip(confirm(request, "OWN", self)))._tag, "OwnFunding")
        assert.strictEqual((yield* Effect.flip(refuse(request, "own", self)))._tag, "OwnFunding")
        assert.deepStrictEqual(yield* actionsOn(request), [])
      }
    })
  )

  it.effect("an API key does not decide on what it requested for a user", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("keyed")
      const money = yield* TestWallets.money("1", "USD")
      const { request } = yield* (yield* Funding).request({
        wallet: user,
        direction: "deposit",
        money,
        note: null,
        owner: `key-1 for ${user.userId}`,
        requestedBy: "key-1",
        key: undefined
      })
      assert.strictEqual((yield* Effect.flip(confirm(request, "KEYED", "key-1")))._tag, "OwnFunding")
      assert.strictEqual((yield* confirm(request, "KEYED", "key-2")).state, "completed")
    })
  )

  it.effect(
    "the owner of an API key does not decide on what it requested with another key of the same name",
    () =>
      Effect.gen(function* () {
        const user = yield* TestWallets.user("renewed")
        const money = yield* TestWallets.money("1", "USD")
        const [requester, renewed, other] = [
          yield* Callers.withScopes("wallets"),
          yield* Callers.withScopes("wallets"),
          yield* Callers.withScopes("admin")
        ]
        const { request } = yield* (yield* Funding).request({
          wallet: user,
          direction: "deposit",
          money,
          note: null,
          owner: `${requester.id} for ${user.userId}`,
          requestedBy: requester.id,
          key: undefined
        })
        assert.strictEqual((yield* Effect.flip(confirm(request, "RENEWED", renewed.id)))._tag, "OwnFunding")
        assert.strictEqual((yield* confirm(request, "RENEWED", other.id)).state, "completed")
      }).pipe(Effect.provide(ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer))))
  )

  it.effect("a request of a frozen account stays pending until the account is released", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("frozen", { USD: "1" })
      const { accountOf, setFrozen } = yield* Ledger
      const { request } = yield* TestFunding.request(user, "deposit", "1")
      const account = yield* accountOf(walletAccount(user.id, request.asset))
      const { id } = Option.getOrThrow(account)
      yield* setFrozen(id, true)
      assert.strictEqual((yield* Effect.flip(confirm(request, "FROZEN")))._tag, "FundingRefused")
      assert.deepInclude(yield* TestFunding.stored(request), { state: "pending", reference: null })
      assert.deepStrictEqual(yield* actionsOn(request), [])
      const withdrawal = yield* Effect.flip(TestFunding.request(user, "withdrawal", "1"))
      assert.strictEqual(withdrawal._tag, "MovementDenied")
      yield* setFrozen(id, false)
      assert.strictEqual((yield* confirm(request, "FROZEN")).state, "completed")
    })
  )
})

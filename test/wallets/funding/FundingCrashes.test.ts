import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { type FundingAnswer, FundingUnknown } from "../../../src/domain/wallets/Funding.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import { FundingRepo } from "../../../src/wallets/funding/FundingRepo.ts"
import { FundingSettler } from "../../../src/wallets/funding/FundingSettler.ts"
import * as TestFunding from "../../support/TestFunding.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const DIRECTIONS = ["deposit", "withdrawal"] as const

/** The step at which the process crashes next. */
class Crash extends Context.Service<Crash, { at: "insert" | "end" | "answer of the commit" | undefined }>()(
  "effex/test/Crash"
) {}

const crashAt = Effect.fnUntraced(function* (step: Crash["Service"]["at"]) {
  ;(yield* Crash).at = step
})

/** Fails at the step, once. */
const crashes = <A, E, R>(
  crash: Crash["Service"],
  step: Crash["Service"]["at"],
  work: Effect.Effect<A, E, R>
) =>
  Effect.suspend(() => {
    if (crash.at !== step) return work
    crash.at = undefined
    return Effect.die(new Error(`crash at ${step}`))
  })

const crashingRepo = Layer.effect(
  FundingRepo,
  Effect.gen(function* () {
    const repo = yield* FundingRepo
    const crash = yield* Crash
    return FundingRepo.of({
      ...repo,
      insert: (request) => crashes(crash, "insert", repo.insert(request)),
      end: (ending) => Effect.tap(repo.end(ending), () => crashes(crash, "end", Effect.void))
    })
  })
).pipe(Layer.provide(FundingRepo.layer))

/** Loses the answer of a commit, once. */
const losingDatabase = Layer.effect(
  Database,
  Effect.gen(function* () {
    const database = yield* Database
    const crash = yield* Crash
    return Database.of({
      ...database,
      tryExecute: (statements) =>
        Effect.tap(database.tryExecute(statements), () => {
          if (crash.at !== "answer of the commit") return Effect.void
          crash.at = undefined
          return Effect.fail(new StoreUnavailable({ cause: "the connection was lost" }))
        })
    })
  })
)

const settleLater = Effect.gen(function* () {
  yield* TestClock.adjust("10 minutes")
  yield* (yield* FundingSettler).settleDue
})

const COMPLETED: FundingAnswer = { state: "completed", reference: "" }

/** Lets the provider complete every request that it was sent. */
const completeSubmitted = Effect.gen(function* () {
  const provider = yield* TestFunding.ScriptedProvider
  provider.find = ({ id }) =>
    Effect.succeed(
      provider.submitted.includes(id) ? Option.some({ ...COMPLETED, reference: `PAID ${id}` }) : Option.none()
    )
  provider.submit = ({ id }) => Effect.succeed({ ...COMPLETED, reference: `PAID ${id}` })
})

layer(
  TestFunding.node.pipe(
    Layer.provideMerge(crashingRepo),
    Layer.provideMerge(losingDatabase),
    Layer.provideMerge(TestFunding.ScriptedProvider.layer),
    Layer.provideMerge(Layer.sync(Crash, () => ({ at: undefined }))),
    Layer.provideMerge(TestWallets.layer())
  )
)("Funding after a crash", (it) => {
  it.effect("before the request is stored: nothing is held, and the key is free", () =>
    Effect.gen(function* () {
      yield* completeSubmitted
      const { page } = yield* FundingRepo
      for (const [direction, balance] of [
        ["deposit", "USD 10"],
        ["withdrawal", "USD 0"]
      ] as const) {
        const user = yield* TestWallets.user(`insert-${direction}`, { USD: "5" })
        yield* crashAt("insert")
        yield* Effect.exit(TestFunding.request(user, direction, "5", { key: direction }))
        assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
        assert.deepStrictEqual(yield* page({ wallet: user.id }, undefined, 9), [])
        const { replayed, request } = yield* TestFunding.request(user, direction, "5", { key: direction })
        assert.deepStrictEqual([request.state, replayed], ["completed", false])
        assert.deepStrictEqual(yield* TestWallets.balances(user), [balance])
      }
    })
  )

  it.effect(
    "after the commit whose answer is lost: the retry returns the request, and the money moves once",
    () =>
      Effect.gen(function* () {
        const user = yield* TestWallets.user("commit", { USD: "5" })
        for (const direction of DIRECTIONS) {
          yield* crashAt("answer of the commit")
          const attempt = TestFunding.request(user, direction, "5", { key: direction })
          assert.strictEqual((yield* Effect.flip(attempt))._tag, "StoreUnavailable")
          const { replayed, request } = yield* attempt
          assert.deepStrictEqual([request.state, replayed], ["pending", true])
          yield* completeSubmitted
          yield* settleLater
          assert.strictEqual((yield* attempt).request.state, "completed")
          assert.deepStrictEqual(yield* TestWallets.balances(user), [
            direction === "deposit" ? "USD 10" : "USD 5"
          ])
        }
      })
  )

  it.effect("before the request reaches the provider: the settler submits it", () =>
    Effect.gen(function* () {
      const provider = yield* TestFunding.ScriptedProvider
      const user = yield* TestWallets.user("submit", { USD: "5" })
      for (const direction of DIRECTIONS) {
        const reached = yield* Deferred.make<void>()
        provider.submit = () => {
          provider.submitted.pop()
          return Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
        }
        const running = yield* Effect.forkChild(TestFunding.request(user, direction, "5"))
        yield* Deferred.await(reached)
        yield* Fiber.interrupt(running)
        yield* completeSubmitted
        yield* settleLater
      }
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
      const rows = yield* (yield* FundingRepo).page({ wallet: user.id }, undefined, 9)
      assert.deepStrictEqual(
        rows.map(({ state }) => state),
        ["completed", "completed"]
      )
    })
  )

  it.effect("after the provider accepted the request: the settler asks, and does not submit again", () =>
    Effect.gen(function* () {
      const provider = yield* TestFunding.ScriptedProvider
      const user = yield* TestWallets.user("accepted", { USD: "5" })
      for (const direction of DIRECTIONS) {
        yield* completeSubmitted
        provider.submit = () => Effect.fail(new FundingUnknown({ cause: "timeout" }))
        const { request } = yield* TestFunding.request(user, direction, "5")
        assert.strictEqual(request.state, "pending")
        yield* settleLater
        assert.strictEqual((yield* TestFunding.stored(request)).state, "completed")
        assert.strictEqual(provider.submitted.filter((id) => id === request.id).length, 1)
      }
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
    })
  )

  it.effect("between the movement and the state: both are rolled back, and happen once later", () =>
    Effect.gen(function* () {
      const user = yield* TestWallets.user("end", { USD: "5" })
      for (const direction of DIRECTIONS) {
        yield* completeSubmitted
        yield* crashAt("end")
        yield* Effect.exit(TestFunding.request(user, direction, "5", { key: direction }))
        // The deposit is not credited yet, and the withdrawal still reserves 5 of 10.
        assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
        yield* settleLater
        const { request } = yield* TestFunding.request(user, direction, "5", { key: direction })
        assert.strictEqual(request.state, "completed")
        assert.deepStrictEqual(yield* TestWallets.balances(user), [
          direction === "deposit" ? "USD 10" : "USD 5"
        ])
      }
    })
  )

  it.effect("after the settlement whose answer is lost: it is not settled again", () =>
    Effect.gen(function* () {
      const provider = yield* TestFunding.ScriptedProvider
      const user = yield* TestWallets.user("settled", { USD: "5" })
      for (const direction of DIRECTIONS) {
        provider.submit = () => Effect.succeed({ state: "pending" })
        const { request } = yield* TestFunding.request(user, direction, "5")
        yield* completeSubmitted
        yield* crashAt("answer of the commit")
        yield* settleLater
        yield* settleLater
        assert.strictEqual((yield* TestFunding.stored(request)).state, "completed")
      }
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
    })
  )

  it.effect("unknown answers never fail a request, however often they come", () =>
    Effect.gen(function* () {
      const provider = yield* TestFunding.ScriptedProvider
      const unknown = new FundingUnknown({ cause: "502" })
      provider.submit = () => Effect.fail(unknown)
      provider.find = () => Effect.fail(unknown)
      const user = yield* TestWallets.user("unknown", { USD: "5" })
      const { request } = yield* TestFunding.request(user, "withdrawal", "5")
      for (let round = 0; round < 5; round++) yield* settleLater
      assert.strictEqual((yield* TestFunding.stored(request)).state, "pending")
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 0"])
      provider.find = () => Effect.succeedSome({ state: "failed", reason: "the bank refused" })
      yield* settleLater
      assert.deepInclude(yield* TestFunding.stored(request), { state: "failed", reason: "the bank refused" })
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 5"])
    })
  )

  it.effect("two settlers at once settle every request once", () =>
    Effect.gen(function* () {
      const provider = yield* TestFunding.ScriptedProvider
      provider.submit = () => Effect.succeed({ state: "pending" })
      const user = yield* TestWallets.user("two", { USD: "100" })
      yield* Effect.forEach(
        Array.from({ length: 20 }),
        (_, n) => TestFunding.request(user, n % 2 === 0 ? "deposit" : "withdrawal", "1"),
        { concurrency: 4 }
      )
      const second = yield* Layer.build(Layer.fresh(TestFunding.node))
      yield* completeSubmitted
      yield* TestClock.adjust("10 minutes")
      const turn = Effect.flatMap(FundingSettler, ({ settleDue }) => settleDue)
      yield* Effect.all([turn, Effect.provideContext(turn, second), turn], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* TestWallets.balances(user), ["USD 100"])
      const rows = yield* (yield* FundingRepo).page({ wallet: user.id, state: "completed" }, undefined, 50)
      assert.strictEqual(rows.length, 20)
    })
  )
})

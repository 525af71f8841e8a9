import { assert, layer } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { type Attempt, AttemptLimits } from "../../../src/accounts/login/AttemptLimits.ts"
import * as LoginLimits from "../../../src/accounts/login/LoginLimits.ts"
import * as Counts from "../../../src/accounts/login/LoginCounts.ts"
import { NewUserSetup } from "../../../src/accounts/NewUserSetup.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { SecondFactor } from "../../../src/accounts/mfa/SecondFactor.ts"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { SignIn } from "../../../src/accounts/login/SignIn.ts"
import { DEFAULT_LOGIN_BOUNDS } from "../../../src/domain/accounts/LoginBounds.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as OpenTransaction from "../../support/OpenTransaction.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"
import * as TestConversions from "../../support/TestConversions.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const accounts = TestAccounts.node.pipe(
  Layer.provideMerge(LoginLimits.layer),
  Layer.provide([NewUserSetup.layerNone, SecondFactor.layerNone, SecurityEvents.layer]),
  Layer.provideMerge(TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY }))
)

const attemptOf = (account: string, address: string): Attempt => ({ kind: "login", account, address })

/** Runs admissions one after the other, and returns how many were allowed. */
const admitted = (attempts: ReadonlyArray<Attempt>, concurrency: number | "unbounded" = 1) =>
  Effect.gen(function* () {
    const { admit } = yield* AttemptLimits
    const results = yield* Effect.forEach(attempts, (attempt) => Effect.result(admit(attempt)), {
      concurrency
    })
    for (const result of results)
      if (result._tag === "Failure") assert.strictEqual(result.failure._tag, "TooManyAttempts")
    return results.filter(({ _tag }) => _tag === "Success").length
  })

const repeat = <A>(times: number, make: (n: number) => A) => Array.from({ length: times }, (_, n) => make(n))

/** Attempts on one account from many addresses. */
const fromEverywhere = (account: string, times: number, network: string) =>
  repeat(times, (n) => attemptOf(account, `${network}:${n}`))

const signIn = (username: string, password: string, address: string) =>
  Effect.flatMap(SignIn, (service) =>
    service.signIn({
      proof: { username, password: Redacted.make(password) },
      code: undefined,
      device: { address, userAgent: "test" }
    })
  )

layer(accounts)("LoginLimits", (it) => {
  it.effect("lets at most 10 of 200 concurrent guesses reach the password", () =>
    Effect.gen(function* () {
      yield* (yield* Registration).register(TestAccounts.account("parallel"), TestAccounts.DEVICE)
      const results = yield* Effect.forEach(
        repeat(200, (n) => n),
        () => Effect.flip(signIn("parallel", "a wrong guess", "192.0.2.10")),
        { concurrency: "unbounded" }
      )
      const checked = results.filter(({ _tag }) => _tag === "InvalidCredentials")
      const refused = results.filter(({ _tag }) => _tag === "TooManyAttempts")
      assert.deepStrictEqual([checked.length, refused.length], [10, 190])
      const opened = yield* signIn("parallel", TestAccounts.PASSWORD, "192.0.2.11")
      assert.strictEqual(opened.user.username, "parallel")
    })
  )

  it.effect("counts unknown names in the same way", () =>
    Effect.gen(function* () {
      const tags = yield* Effect.forEach(
        repeat(12, (n) => n),
        () => Effect.map(Effect.flip(signIn("nobody", "a wrong guess", "192.0.2.12")), ({ _tag }) => _tag)
      )
      assert.deepStrictEqual(
        tags,
        repeat(12, (n) => (n < 10 ? "InvalidCredentials" : "TooManyAttempts"))
      )
    })
  )

  it.effect("ends a block 15 minutes after the first attempt, however many follow", () =>
    Effect.gen(function* () {
      const { admit } = yield* AttemptLimits
      const attempt = attemptOf("blocked", "192.0.2.20")
      assert.strictEqual(yield* admitted(repeat(20, () => attempt)), 10)
      yield* TestClock.adjust("14 minutes")
      const error = yield* Effect.flip(admit(attempt))
      assert(error._tag === "TooManyAttempts")
      assert.strictEqual(Duration.toSeconds(error.retryAfter), 60)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* admitted(repeat(20, () => attempt)), 10)
    })
  )

  it.effect("lets the user sign in from another address", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* admitted(repeat(200, () => attemptOf("victim", "192.0.2.30"))), 10)
      assert.strictEqual(yield* admitted([attemptOf("victim", "192.0.2.31")]), 1)
    })
  )

  it.effect("limits one account from all addresses, for at most 15 minutes at a time", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* admitted(fromEverywhere("flooded", 80, "a"), "unbounded"), 50)
      const own = attemptOf("flooded", "192.0.2.40")
      assert.strictEqual(yield* admitted(repeat(30, () => own)), 0)
      yield* TestClock.adjust("15 minutes")
      // The flood goes on, and does not renew the block at once.
      assert.strictEqual(yield* admitted(fromEverywhere("flooded", 80, "b"), "unbounded"), 80)
      // Refused attempts of before do not count against the address.
      assert.strictEqual(yield* admitted([own]), 1)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* admitted(fromEverywhere("flooded", 80, "c"), "unbounded"), 50)
    })
  )

  it.effect("has no pause in the limit of codes and of signed-in users", () =>
    Effect.gen(function* () {
      for (const kind of ["mfa", "password"] as const) {
        const attempts = fromEverywhere("codes", 80, kind).map((attempt) => ({ ...attempt, kind }))
        assert.strictEqual(yield* admitted(attempts, "unbounded"), 50)
        yield* TestClock.adjust("15 minutes")
        assert.strictEqual(yield* admitted(attempts, "unbounded"), 50)
      }
      assert.strictEqual(yield* admitted([attemptOf("codes", "192.0.2.50")]), 1)
    })
  )

  it.effect("limits one address over all accounts, which adds nothing to an account", () =>
    Effect.gen(function* () {
      const guesses = repeat(130, (n) => attemptOf(`sprayed-${n}`, "192.0.2.60"))
      assert.strictEqual(yield* admitted(guesses, "unbounded"), 100)
      assert.strictEqual(yield* admitted(repeat(60, () => attemptOf("untouched", "192.0.2.60"))), 0)
      assert.strictEqual(yield* admitted(fromEverywhere("untouched", 50, "d")), 50)
      const { admit } = yield* AttemptLimits
      const error = yield* Effect.flip(admit({ kind: "mfa", address: "192.0.2.60" }))
      assert.strictEqual(error._tag, "TooManyAttempts")
    })
  )

  it.effect("restarts the count after a success, for this address only", () =>
    Effect.gen(function* () {
      const { record } = yield* AttemptLimits
      const own = attemptOf("careless", "192.0.2.70")
      const stranger = attemptOf("careless", "192.0.2.71")
      assert.strictEqual(yield* admitted(repeat(20, () => stranger)), 10)
      assert.strictEqual(yield* admitted(repeat(10, () => own)), 10)
      yield* record(own, "success")
      assert.strictEqual(yield* admitted(repeat(20, () => own)), 10)
      assert.strictEqual(yield* admitted([stranger]), 0)
    })
  )

  it.effect("counts no successes", () =>
    Effect.gen(function* () {
      const { admit, record } = yield* AttemptLimits
      for (const n of repeat(120, (index) => index)) {
        const attempt = attemptOf(n % 2 === 0 ? "frequent" : "frequent-too", "192.0.2.80")
        yield* admit(attempt)
        yield* record(attempt, "success")
      }
      assert.strictEqual(yield* admitted(repeat(20, () => attemptOf("frequent", "192.0.2.80"))), 10)
    })
  )

  it.effect("counts refused refresh tokens only", () =>
    Effect.gen(function* () {
      const { record } = yield* AttemptLimits
      const attempt: Attempt = { kind: "refresh", address: "192.0.2.90" }
      assert.strictEqual(yield* admitted(repeat(150, () => attempt)), 150)
      for (const _ of repeat(100, (n) => n)) yield* record(attempt, "failure")
      assert.strictEqual(yield* admitted([attempt]), 0)
      assert.strictEqual(yield* admitted([attemptOf("other", "192.0.2.90")]), 1)
    })
  )

  it.effect("limits registrations of one address to 20 an hour", () =>
    Effect.gen(function* () {
      const attempt: Attempt = { kind: "register", address: "192.0.2.100" }
      assert.strictEqual(
        yield* admitted(
          repeat(40, () => attempt),
          "unbounded"
        ),
        20
      )
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* admitted([attempt, { ...attempt, address: "192.0.2.101" }]), 1)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* admitted(repeat(40, () => attempt)), 20)
    })
  )

  it.effect("shares counts between nodes", () =>
    Effect.gen(function* () {
      const second = yield* Layer.build(Layer.fresh(LoginLimits.layer))
      const attempt = attemptOf("two-nodes", "192.0.2.110")
      const counts = yield* Effect.all(
        [
          admitted(
            repeat(50, () => attempt),
            "unbounded"
          ),
          Effect.provideContext(
            admitted(
              repeat(50, () => attempt),
              "unbounded"
            ),
            second
          )
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(counts[0] + counts[1], 10)
      assert.isAtLeast(Math.min(...counts), 0)
      yield* Context.get(second, AttemptLimits).record(attempt, "success")
      assert.strictEqual(yield* admitted([attempt]), 1)
    })
  )

  it.effect("limits all attempts of a node, without a count for those it refuses", () =>
    Effect.gen(function* () {
      const bounds = {
        ...DEFAULT_LOGIN_BOUNDS,
        global: { ...DEFAULT_LOGIN_BOUNDS.global, limit: 5 }
      }
      const small = yield* Layer.build(
        Layer.fresh(LoginLimits.layer).pipe(
          Layer.provide(Layer.succeed(LoginLimits.LoginLimitBounds, bounds))
        )
      )
      const attempt = attemptOf("crowd", "192.0.2.120")
      const some = Effect.provideContext(admitted(repeat(40, () => attempt)), small)
      assert.strictEqual(yield* some, 5)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* some, 5)
    })
  )

  it.effect("deletes counts that are older than two hours", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      const count = Effect.map(
        execute(sql<{ n: number }>`SELECT count(*)::int AS n FROM login_failure`),
        ([row]) => row?.n ?? 0
      )
      yield* admitted([attemptOf("forgotten", "192.0.2.130")])
      const before = yield* count
      yield* TestClock.adjust("1 hour")
      const remove = Effect.flatMap(Counts.make, ({ removeExpired }) => removeExpired)
      yield* remove
      assert.isAtMost(yield* count, before)
      assert.isAbove(yield* count, 0)
      yield* TestClock.adjust("2 hours")
      yield* remove
      assert.strictEqual(yield* count, 0)
    })
  )

  it.effect("deletes old counts without waiting for an attempt, which may then count what it deleted", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const { count, current, removeExpired } = yield* Counts.make
      const [first, second] = (["first", "second"] as const).map((name) => ({
        bound: DEFAULT_LOGIN_BOUNDS.account,
        subject: Counts.subjectOf("test", name)
      }))
      assert(first !== undefined && second !== undefined)
      yield* count([first, second])
      yield* TestClock.adjust("3 hours")
      const stored = sql`SELECT subject FROM login_failure WHERE subject IN (${first.subject}, ${second.subject})`
      const left = yield* OpenTransaction.during(
        count([first]),
        Effect.andThen(removeExpired, stored),
        count([second])
      )
      assert.deepStrictEqual(left, [{ subject: first.subject }])
      assert.deepStrictEqual([yield* current(first), yield* current(second)], [1, 1])
    })
  )
})

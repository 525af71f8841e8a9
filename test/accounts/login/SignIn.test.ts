import { assert, layer } from "@effect/vitest"
import { hash } from "@node-rs/argon2"
import { Effect, Layer, Metric, Redacted } from "effect"
import { Passwords } from "../../../src/accounts/Passwords.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { SignIn } from "../../../src/accounts/login/SignIn.ts"
import { Credentials } from "../../../src/accounts/Credentials.ts"
import * as DatabaseMetrics from "../../../src/platform/metrics/DatabaseMetrics.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as OpenTransaction from "../../support/OpenTransaction.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

/** Hashes that were verified: `undefined` stands for an unknown user. */
const verified: Array<string | undefined> = []

/** Records the calls of the real service. */
const recorded = Layer.effect(
  Passwords,
  Effect.map(Passwords, (passwords) =>
    Passwords.of({
      ...passwords,
      verify: (password, stored) => {
        verified.push(stored)
        return passwords.verify(password, stored)
      }
    })
  )
).pipe(Layer.provide(Layer.fresh(Passwords.layer)))

const services = Layer.fresh(SignIn.layer.pipe(Layer.provide(Credentials.layer))).pipe(
  Layer.provideMerge(recorded),
  Layer.provideMerge(TestAccounts.layer())
)

const signIn = (username: string, password = TestAccounts.PASSWORD) =>
  Effect.flatMap(SignIn, ({ signIn }) =>
    signIn({
      proof: { username, password: Redacted.make(password) },
      code: undefined,
      device: TestAccounts.DEVICE
    })
  )

const storedHash = (username: string) =>
  Effect.gen(function* () {
    const { execute, sql } = yield* Database
    const rows = yield* execute(sql<{ hash: string }>`
      SELECT password_hash AS hash FROM credential JOIN app_user ON id = user_id WHERE username = ${username}`)
    return rows[0]?.hash ?? assert.fail()
  })

layer(services)("SignIn", (it) => {
  it.effect("replaces a hash with old parameters after a login, and only then", () =>
    Effect.gen(function* () {
      const { execute, sql } = yield* Database
      yield* (yield* Registration).register(TestAccounts.account("amara"), TestAccounts.DEVICE)
      const old = yield* Effect.promise(() =>
        hash(TestAccounts.PASSWORD, { algorithm: 2, memoryCost: 8192, timeCost: 1, parallelism: 1 })
      )
      yield* execute(sql`UPDATE credential SET password_hash = ${old}`)
      yield* Effect.flip(signIn("amara", "a wrong passphrase"))
      assert.strictEqual(yield* storedHash("amara"), old)
      yield* signIn("amara")
      const renewed = yield* storedHash("amara")
      assert.match(renewed, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      yield* signIn("amara")
      assert.strictEqual(yield* storedHash("amara"), renewed)
    })
  )

  it.effect("accepts every one of several concurrent logins with a hash of old parameters", () =>
    Effect.gen(function* () {
      yield* (yield* Registration).register(TestAccounts.account("chidi"), TestAccounts.DEVICE)
      const old = yield* storedHash("chidi")
      const opened = yield* Effect.forEach([1, 2, 3, 4], () => signIn("chidi"), { concurrency: "unbounded" })
      assert.strictEqual(new Set(opened.map(({ session }) => session.id)).size, 4)
      assert.notStrictEqual(yield* storedHash("chidi"), old)
    })
  )

  it.effect("verifies one hash per login, also for unknown users and look-alike names, with one answer", () =>
    Effect.gen(function* () {
      yield* (yield* Registration).register(TestAccounts.account("adele"), TestAccounts.DEVICE)
      yield* signIn("ADELE")
      const known = yield* storedHash("adele")
      const lookAlikes = [
        "аdele",
        "ade\u200ble",
        "ade\u0301le",
        "adéle",
        "adele ",
        "ａdele",
        "",
        "x".repeat(5000)
      ]
      verified.length = 0
      const wrong = yield* Effect.flip(signIn("adele", "a wrong passphrase"))
      assert.deepStrictEqual(verified, [known])
      for (const name of ["nobody", ...lookAlikes]) {
        verified.length = 0
        const refused = yield* Effect.flip(signIn(name))
        assert.deepStrictEqual(verified, [undefined], name)
        assert.deepStrictEqual(refused, wrong)
      }
    })
  )

  it.effect("waits for a lock on its user for a second, and can be retried", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* (yield* Registration).register(TestAccounts.account("emeka"), TestAccounts.DEVICE)
      const locked = Effect.map(
        Metric.value(DatabaseMetrics.errors.of({ kind: "locked" })),
        ({ count }) => count
      )
      const before = yield* locked
      const error = yield* OpenTransaction.during(
        sql`SELECT id FROM app_user WHERE username = 'emeka' FOR UPDATE`,
        Effect.flip(signIn("emeka"))
      )
      assert.include(error, {
        _tag: "StoreUnavailable",
        isLocked: true,
        message: "Another transaction holds a lock on the same data"
      })
      assert.strictEqual(yield* locked, before + 1)
      assert.strictEqual((yield* signIn("emeka")).user.username, "emeka")
    })
  )
})

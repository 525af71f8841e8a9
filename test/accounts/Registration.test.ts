import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { NewUserSetup } from "../../src/accounts/NewUserSetup.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { Users } from "../../src/accounts/Users.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import * as TestAccounts from "../support/TestAccounts.ts"

const { DEVICE } = TestAccounts

const register = (username: string) =>
  Effect.flatMap(Registration, (registration) =>
    registration.register(TestAccounts.account(username), DEVICE)
  )

const count = (table: string) =>
  Effect.gen(function* () {
    const { execute, sql } = yield* Database
    const [row] = yield* execute(sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql(table)}`)
    return row?.n ?? 0
  })

layer(TestAccounts.layer())("Registration", (it) => {
  it.effect("creates one user of 20 concurrent registrations of one name on two nodes", () =>
    Effect.gen(function* () {
      const hooks = yield* Effect.context<Layer.Success<typeof TestAccounts.hooks>>()
      const other = TestAccounts.node.pipe(Layer.provide(Layer.succeedContext(hooks)), Layer.fresh)
      const second = yield* Effect.map(Layer.build(other), (context) => context)
      const spellings = ["Twenty", "twenty", "TWENTY", "tWENTY"]
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => {
          const attempt = Effect.result(register(spellings[n % 4] ?? ""))
          return n % 2 === 0 ? attempt : Effect.provideContext(attempt, second)
        },
        { concurrency: "unbounded" }
      )
      const failures = results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : []))
      assert.deepStrictEqual(
        failures,
        Array.from({ length: 19 }, () => "UsernameTaken")
      )
    })
  )

  it.effect("refuses look-alike names", () =>
    Effect.gen(function* () {
      const looksAlike = [
        "аdmin",
        "adm\u200bin",
        "\u212Aelvin",
        "ﬁona",
        "ade\u0301le",
        "adéle",
        "admin ",
        "ａdmin",
        "İstanbul"
      ]
      for (const name of looksAlike)
        assert.strictEqual((yield* Effect.flip(register(name)))._tag, "InvalidUsername", name)
    })
  )

  it.effect("refuses weak passwords", () =>
    Effect.gen(function* () {
      const { create } = yield* Registration
      const reasons = {
        short: "too-short",
        "123456789": "too-short",
        password123: "common",
        PASSWORD123: "common",
        aaaaaaaaaaaa: "common",
        abcdefghijklm: "common",
        "weak-name-x": "username",
        "weak-name-x123": "username",
        ["é".repeat(501)]: "too-long",
        ["\ud800".repeat(12)]: "not-text"
      }
      for (const [password, reason] of Object.entries(reasons)) {
        const account = { ...TestAccounts.account("weak-name-x"), password: Redacted.make(password) }
        const error = yield* Effect.flip(create(account, "user"))
        assert.strictEqual(error._tag === "PasswordRefused" ? error.reason : error._tag, reason, password)
      }
    })
  )
})

layer(TestAccounts.layer({ REGISTRATION: "closed" }))("Closed registration", (it) => {
  it.effect("refuses strangers, and lets operators create users", () =>
    Effect.gen(function* () {
      const { create } = yield* Registration
      assert.strictEqual((yield* Effect.flip(register("stranger")))._tag, "RegistrationClosed")
      yield* create(TestAccounts.account("invited"), "admin")
      const found = yield* (yield* Users).byUsername("INVITED")
      assert.strictEqual(Option.getOrThrow(found).role, "admin")
    })
  )
})

describe("A setup that fails", () => {
  it.effect("leaves no user behind", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(register("unlucky"))
      assert.strictEqual(error._tag, "StoreUnavailable")
      for (const table of ["app_user", "credential", "session", "refresh_token"])
        assert.strictEqual(yield* count(table), 0, table)
    }).pipe(
      Effect.provide(
        TestAccounts.node.pipe(
          Layer.provide(
            Layer.succeed(NewUserSetup, {
              run: () => Effect.fail(new StoreUnavailable({ cause: "no wallet" }))
            })
          ),
          Layer.fresh,
          Layer.provideMerge(TestAccounts.layer())
        )
      )
    )
  )
})

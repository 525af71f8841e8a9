import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import * as LoginLimits from "../../../src/accounts/login/LoginLimits.ts"
import { SignIn } from "../../../src/accounts/login/SignIn.ts"
import { SecondFactor } from "../../../src/accounts/mfa/SecondFactor.ts"
import { NewUserSetup } from "../../../src/accounts/NewUserSetup.ts"
import { Registration } from "../../../src/accounts/Registration.ts"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import * as SqlStatements from "../../support/SqlStatements.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"
import * as TestConversions from "../../support/TestConversions.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const accounts = TestAccounts.node.pipe(
  Layer.provideMerge(LoginLimits.layer),
  Layer.provide([NewUserSetup.layerNone, SecondFactor.layerNone, SecurityEvents.layer]),
  Layer.provideMerge(TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY }))
)

/** Returns the statements and transactions of an effect, each by the SQL functions and tables that it names. */
const statementsOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(SqlStatements.of(effect), (texts) =>
    texts.map(
      (text) =>
        text.match(/\b(count_attempt|app_user|credential|sign_in|refund_attempt)\b/g)?.join(" ") ?? text
    )
  )

const signIn = (username: string, password: string) =>
  Effect.flatMap(SignIn, (service) =>
    service.signIn({
      proof: { username, password: Redacted.make(password) },
      code: undefined,
      device: TestAccounts.DEVICE
    })
  )

layer(accounts)("SignIn", (it) => {
  it.effect("takes four statements, each of which is a transaction of its own", () =>
    Effect.gen(function* () {
      yield* (yield* Registration).register(TestAccounts.account("amara"), TestAccounts.DEVICE)
      const statements = yield* statementsOf(signIn("amara", TestAccounts.PASSWORD))
      assert.deepStrictEqual(statements, [
        "count_attempt",
        "app_user credential",
        "sign_in",
        "refund_attempt"
      ])
    })
  )

  it.effect("takes as many statements for an unknown user as for a wrong password", () =>
    Effect.gen(function* () {
      yield* (yield* Registration).register(TestAccounts.account("chidi"), TestAccounts.DEVICE)
      for (const username of ["chidi", "nobody"])
        assert.deepStrictEqual(
          yield* statementsOf(Effect.flip(signIn(username, "a wrong passphrase"))),
          ["count_attempt", "app_user credential"],
          username
        )
    })
  )
})

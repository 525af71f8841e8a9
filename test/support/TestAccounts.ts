import { Layer, Option, Redacted } from "effect"
import { AccessTokenKeys } from "../../src/accounts/tokens/AccessTokenKeys.ts"
import { AccessTokens } from "../../src/accounts/tokens/AccessTokens.ts"
import { AttemptLimits } from "../../src/accounts/login/AttemptLimits.ts"
import { Credentials } from "../../src/accounts/Credentials.ts"
import { EndedSessions } from "../../src/accounts/sessions/EndedSessions.ts"
import { NewUserSetup } from "../../src/accounts/NewUserSetup.ts"
import { PasswordHashCost, Passwords } from "../../src/accounts/Passwords.ts"
import { RefreshTokens } from "../../src/accounts/tokens/RefreshTokens.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { SecondFactor } from "../../src/accounts/mfa/SecondFactor.ts"
import { SecurityEvents } from "../../src/accounts/SecurityEvents.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { Users } from "../../src/accounts/Users.ts"
import * as TestConversions from "./TestConversions.ts"
import * as TestDatabase from "./TestDatabase.ts"

export const DEVICE = { address: "192.0.2.1", userAgent: "test" }
export const PASSWORD = "a long enough passphrase"

/** Values of a new account with {@link PASSWORD}. */
export const account = (username: string) => ({
  username,
  password: Redacted.make(PASSWORD),
  email: Option.none<string>()
})

/** Services that accounts take from other features, without their work. */
export const hooks = Layer.mergeAll(
  AttemptLimits.layerNone,
  NewUserSetup.layerNone,
  SecondFactor.layerNone,
  SecurityEvents.layer
)

/** Hashes passwords at the lowest cost of Argon2. Another cost needs `Layer.fresh(Passwords.layer)`. */
export const cheapHashes = Layer.succeed(PasswordHashCost, { memoryCost: 8, timeCost: 1, parallelism: 1 })

/** One node's services of accounts. Requires a database and the {@link hooks}. */
export const node = Layer.mergeAll(Registration.layer, SignIn.layer).pipe(
  Layer.provideMerge(Credentials.layer),
  Layer.provideMerge(Sessions.layer),
  Layer.provideMerge(Layer.mergeAll(Users.layer, Passwords.layer, EndedSessions.layerOnDemand)),
  Layer.provideMerge(Layer.mergeAll(AccessTokens.layer, RefreshTokens.layer)),
  Layer.provideMerge(AccessTokenKeys.layer),
  Layer.provide(cheapHashes)
)

/** Accounts in a new database, whose settings are in `env`. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  node.pipe(
    Layer.provideMerge(hooks),
    Layer.provideMerge(TestDatabase.layer({ JWT_SIGNING_KEY: TestConversions.SIGNING_KEY, ...env }))
  )

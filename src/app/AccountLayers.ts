import { Layer } from "effect"
import type { SecureRandom } from "effect/crypto"
import { ApiKeyRepo } from "../access/ApiKeyRepo.ts"
import { ApiKeys } from "../access/ApiKeys.ts"
import { RateLimits } from "../access/RateLimits.ts"
import { AdminActions } from "../accounts/AdminActions.ts"
import { Credentials } from "../accounts/Credentials.ts"
import { Passwords } from "../accounts/Passwords.ts"
import { Registration } from "../accounts/Registration.ts"
import { SecurityEvents } from "../accounts/SecurityEvents.ts"
import { UserAdministration } from "../accounts/UserAdministration.ts"
import { Users } from "../accounts/Users.ts"
import type { AttemptLimits } from "../accounts/login/AttemptLimits.ts"
import * as LoginLimits from "../accounts/login/LoginLimits.ts"
import { SignIn } from "../accounts/login/SignIn.ts"
import { Mfa, layerSecondFactor } from "../accounts/mfa/Mfa.ts"
import { MfaSecrets } from "../accounts/mfa/MfaSecrets.ts"
import { EndedSessions } from "../accounts/sessions/EndedSessions.ts"
import { Sessions } from "../accounts/sessions/Sessions.ts"
import { AccessTokenKeys } from "../accounts/tokens/AccessTokenKeys.ts"
import { AccessTokens } from "../accounts/tokens/AccessTokens.ts"
import { RefreshTokens } from "../accounts/tokens/RefreshTokens.ts"
import type { Settings } from "../config/Settings.ts"
import type { SecretFileError } from "../platform/SecretFile.ts"
import type { Database } from "../platform/postgres/Database.ts"
import { WalletRepo } from "../wallets/WalletRepo.ts"
import { layerNewUserSetup } from "../wallets/Wallets.ts"
import { type RedisError, redisOrMemory } from "./RedisOrMemory.ts"

/** API keys. */
export const apiKeys: Layer.Layer<ApiKeys, never, Settings | SecureRandom.SecureRandom | Database> =
  ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer))

/** Rate limits, counted across the nodes of a cluster. */
export const rateLimits: Layer.Layer<RateLimits, RedisError, Settings | Database> = redisOrMemory(
  RateLimits.layerRedis,
  RateLimits.layerMemory
)

export type AccountServices =
  | AccessTokens
  | AdminActions
  | AttemptLimits
  | Credentials
  | EndedSessions
  | Mfa
  | Registration
  | SecurityEvents
  | Sessions
  | SignIn
  | UserAdministration
  | Users

/** A wallet is created in the transaction that creates its user. */
export const newUserSetup = layerNewUserSetup.pipe(Layer.provide(WalletRepo.layer))

/** User accounts. */
export const accounts: Layer.Layer<
  AccountServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database
> = Layer.mergeAll(SignIn.layer, Mfa.layer, UserAdministration.layer).pipe(
  Layer.provideMerge(Layer.mergeAll(Registration.layer, AdminActions.layer)),
  Layer.provideMerge(Credentials.layer),
  Layer.provideMerge(Sessions.layer),
  Layer.provideMerge(
    Layer.mergeAll(
      Users.layer,
      AccessTokens.layer,
      LoginLimits.layer,
      redisOrMemory(EndedSessions.layerRedis, EndedSessions.layerMemory)
    )
  ),
  Layer.provide([Passwords.layer, RefreshTokens.layer, layerSecondFactor]),
  Layer.provide([AccessTokenKeys.layer, MfaSecrets.layer, newUserSetup]),
  Layer.provideMerge(SecurityEvents.layer)
)

export type AccessServices = ApiKeys | RateLimits | AccountServices

/** API keys, rate limits, and accounts. */
export const access: Layer.Layer<
  AccessServices,
  RedisError | SecretFileError,
  Settings | SecureRandom.SecureRandom | Database
> = Layer.mergeAll(apiKeys, rateLimits, accounts)

import { Effect, Result } from "effect"
import { createHash } from "node:crypto"
import { ApiKeys } from "../../../access/ApiKeys.ts"
import { Settings } from "../../../config/Settings.ts"
import type { Scope } from "../../../domain/access/ApiKey.ts"
import {
  anonymous,
  type KeyPrincipal,
  type Principal,
  type UserPrincipal
} from "../../../domain/access/Principal.ts"
import * as Rejection from "../Rejection.ts"

/** Creates the function that checks the scope of a caller. Returns the principal, which is anonymous in an open scope. */
export const make = Effect.gen(function* () {
  const { openConversions } = yield* Settings
  const { mode } = yield* ApiKeys
  const isOpen: Readonly<Record<Scope, boolean>> = {
    "rates:read": true,
    convert: openConversions,
    "audit:read": openConversions,
    // The sandbox has no data to protect.
    admin: mode === "test",
    wallets: false
  }

  return (
    scope: Scope,
    principal: KeyPrincipal | UserPrincipal | undefined,
    address: string
  ): Result.Result<Principal, Rejection.Rejection> => {
    if (principal === undefined)
      return isOpen[scope] ? Result.succeed(anonymous(hashOf(address))) : Result.fail(Rejection.missingKey)
    // A user who is signed in may do what everybody may do, but does not operate the service.
    const isPermitted =
      principal.scopes.includes(scope) || (principal.kind !== "key" && scope !== "admin" && isOpen[scope])
    return isPermitted ? Result.succeed(principal) : Result.fail(Rejection.insufficientScope(scope))
  }
})

/** Addresses are personal data, and the owners of idempotency keys and quotes are stored permanently. */
const hashOf = (address: string) => createHash("sha256").update(address).digest("hex").slice(0, 32)

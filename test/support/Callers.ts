import { Duration, Effect, Option, Redacted } from "effect"
import { UnsecuredJWT } from "jose"
import { AccessTokens } from "../../src/accounts/tokens/AccessTokens.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { Sessions } from "../../src/accounts/sessions/Sessions.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"

/** A client, and the `Authorization` header that it sends. */
export interface TestCaller {
  readonly name: string
  readonly authorization: string | undefined
  /** Scopes of a valid key; undefined without a key, or with an invalid one. */
  readonly scopes?: ReadonlyArray<ApiKey.Scope>
  /** Set for the access token of a user. */
  readonly user?: "user" | "administrator"
  /** Id of a valid key. */
  readonly id?: string
}

export const ANONYMOUS: TestCaller = { name: "anonymous", authorization: undefined }

/** Creates a caller with a valid key. */
export const withScopes = Effect.fnUntraced(function* (...scopes: ReadonlyArray<ApiKey.Scope>) {
  const keys = yield* ApiKeys
  const { key, record } = yield* keys.create({ name: scopes.join(" "), scopes, lifetime: Option.none() })
  const caller: TestCaller & { readonly id: string; readonly authorization: string } = {
    name: scopes.join(" "),
    authorization: `Bearer ${Redacted.value(key)}`,
    scopes,
    id: record.id
  }
  return caller
})

/** Creates one caller for each way in which a key can be invalid. */
export const invalid = Effect.gen(function* () {
  const keys = yield* ApiKeys
  const newKey = { name: "invalid", scopes: ApiKey.Scope.literals, lifetime: Option.none() }
  const expired = yield* keys.create({ ...newKey, lifetime: Option.some(Duration.millis(1)) })
  const revoked = yield* keys.create(newKey)
  yield* keys.revoke(revoked.record.id)
  yield* Effect.sleep("5 millis")
  const revokedKey = Redacted.value(revoked.key)
  const unknown = ApiKey.compose(keys.mode, new Uint8Array(ApiKey.KEY_ENTROPY_BYTES).fill(3))
  const otherMode = ApiKey.compose(keys.mode === "live" ? "test" : "live", new Uint8Array(32).fill(4))
  const mistyped = revokedKey.slice(0, -1) + (revokedKey.endsWith("x") ? "y" : "x")
  const now = Math.floor(Date.now() / 1000)
  const unsigned = new UnsecuredJWT({
    iss: "effex",
    aud: "effex-api",
    sub: revoked.record.id,
    sid: revoked.record.id,
    jti: "1",
    iat: now,
    exp: now + 600,
    username: "forger",
    role: "admin"
  }).encode()
  const all: ReadonlyArray<TestCaller> = [
    { name: "an unsigned access token", authorization: `Bearer ${unsigned}` },
    { name: "a refresh token", authorization: `Bearer efr_${"A".repeat(43)}` },
    { name: "unknown", authorization: `Bearer ${unknown}` },
    { name: "mistyped", authorization: `Bearer ${mistyped}` },
    { name: "malformed", authorization: "Bearer nonsense" },
    { name: "empty", authorization: "Bearer" },
    { name: "without a scheme", authorization: unknown },
    { name: "of the other mode", authorization: `Bearer ${otherMode}` },
    { name: "expired", authorization: `Bearer ${Redacted.value(expired.key)}` },
    { name: "revoked", authorization: `bearer ${revokedKey}` }
  ]
  return all
})

let users = 0

/** Creates a user who is signed in. */
export const user = Effect.fnUntraced(function* (kind: "user" | "administrator") {
  const { issue } = yield* AccessTokens
  const { create } = yield* Registration
  const { signIn } = yield* SignIn
  const username = `caller-${kind}-${users++}`
  const password = Redacted.make("a long enough passphrase")
  yield* create({ username, password, email: Option.none() }, kind === "user" ? "user" : "admin")
  const device = { address: "192.0.2.1", userAgent: "test" }
  const opened = yield* signIn({ proof: { username, password }, code: undefined, device })
  const { expiresAt, id } = opened.session
  const { token } = yield* issue({ user: opened.user, session: id, sessionExpiresAt: expiresAt })
  const caller: TestCaller = {
    name: kind,
    authorization: `Bearer ${Redacted.value(token)}`,
    scopes: kind === "user" ? [] : ["admin", "audit:read"],
    user: kind
  }
  return caller
})

/** Creates a user whose session was ended. */
const signedOut = Effect.gen(function* () {
  const caller = yield* user("user")
  const { verify } = yield* AccessTokens
  const { sub } = yield* Effect.orDie(verify((caller.authorization ?? "").slice("Bearer ".length)))
  yield* (yield* Sessions).endAll(sub, "logout-all")
  const signedOut: TestCaller = { name: "a user who signed out", authorization: caller.authorization }
  return signedOut
})

/** Creates an anonymous caller, all invalid ones, one for each scope, a user and an administrator. */
export const all = Effect.gen(function* () {
  const valid = yield* Effect.forEach(ApiKey.Scope.literals, (scope) => withScopes(scope))
  const signedIn = [yield* user("user"), yield* user("administrator")]
  return [ANONYMOUS, ...(yield* invalid), yield* signedOut, ...valid, ...signedIn]
})

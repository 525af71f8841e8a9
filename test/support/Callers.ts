import { Duration, Effect, Option, Redacted } from "effect"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"

/** A client, and the `Authorization` header that it sends. */
export interface TestCaller {
  readonly name: string
  readonly authorization: string | undefined
  /** Scopes of a valid key; undefined without a key, or with an invalid one. */
  readonly scopes?: ReadonlyArray<ApiKey.Scope>
  /** Id of a valid key. */
  readonly id?: string
}

export const ANONYMOUS: TestCaller = { name: "anonymous", authorization: undefined }

/** Creates a caller with a valid key. */
export const withScopes = Effect.fnUntraced(function* (...scopes: ReadonlyArray<ApiKey.Scope>) {
  const keys = yield* ApiKeys
  const { key, record } = yield* keys.create({ name: scopes.join(" "), scopes, lifetime: Option.none() })
  return { name: scopes.join(" "), authorization: `Bearer ${Redacted.value(key)}`, scopes, id: record.id }
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
  const all: ReadonlyArray<TestCaller> = [
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

/** Creates an anonymous caller, all invalid ones, and one for each scope. */
export const all = Effect.gen(function* () {
  const valid = yield* Effect.forEach(ApiKey.Scope.literals, (scope) => withScopes(scope))
  return [ANONYMOUS, ...(yield* invalid), ...valid]
})

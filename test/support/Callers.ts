import { Duration, Effect, Option, Redacted } from "effect"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"

/** Somebody who asks, and the header by which they say who they are. */
export interface CallerKind {
  readonly name: string
  readonly authorization: string | undefined
  /** Of a key that is in force; none for whoever shows no key, or one that is not. */
  readonly scopes?: ReadonlyArray<ApiKey.Scope>
  /** The id of the key, where it is in force. */
  readonly id?: string
}

export const NOBODY: CallerKind = { name: "nobody", authorization: undefined }

/** A key that is in force. */
export const holderOf = Effect.fnUntraced(function* (...scopes: ReadonlyArray<ApiKey.Scope>) {
  const keys = yield* ApiKeys
  const { key, record } = yield* keys.create({ name: scopes.join(" "), scopes, lifetime: Option.none() })
  return { name: scopes.join(" "), authorization: `Bearer ${Redacted.value(key)}`, scopes, id: record.id }
})

/** Everybody who shows what opens nothing. */
export const refused = Effect.gen(function* () {
  const keys = yield* ApiKeys
  const asked = { name: "ended", scopes: ApiKey.Scope.literals, lifetime: Option.none() }
  const expired = yield* keys.create({ ...asked, lifetime: Option.some(Duration.millis(1)) })
  const revoked = yield* keys.create(asked)
  yield* keys.revoke(revoked.record.id)
  yield* Effect.sleep("5 millis")
  const fit = Redacted.value(revoked.key)
  const unknown = ApiKey.compose(keys.mode, new Uint8Array(ApiKey.KEY_ENTROPY_BYTES).fill(3))
  const other = ApiKey.compose(keys.mode === "live" ? "test" : "live", new Uint8Array(32).fill(4))
  const mistyped = fit.slice(0, -1) + (fit.endsWith("x") ? "y" : "x")
  const all: ReadonlyArray<CallerKind> = [
    { name: "unknown", authorization: `Bearer ${unknown}` },
    { name: "mistyped", authorization: `Bearer ${mistyped}` },
    { name: "malformed", authorization: "Bearer nonsense" },
    { name: "empty", authorization: "Bearer" },
    { name: "without a scheme", authorization: unknown },
    { name: "of the other mode", authorization: `Bearer ${other}` },
    { name: "expired", authorization: `Bearer ${Redacted.value(expired.key)}` },
    { name: "revoked", authorization: `bearer ${fit}` }
  ]
  return all
})

/** One caller of each kind. */
export const all = Effect.gen(function* () {
  const holders = yield* Effect.forEach(ApiKey.Scope.literals, (scope) => holderOf(scope))
  return [NOBODY, ...(yield* refused), ...holders]
})

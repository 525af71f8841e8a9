import {
  Clock,
  Context,
  DateTime,
  type Duration,
  Effect,
  Layer,
  Option,
  Redacted,
  Result,
  Schema
} from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import * as ApiKey from "../domain/access/ApiKey.ts"
import type { KeyPrincipal } from "../domain/access/Principal.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as ApiKeyCache from "./ApiKeyCache.ts"
import { hashApiKey } from "./ApiKeyHash.ts"
import { ApiKeyRepo, type Record } from "./ApiKeyRepo.ts"

/** No API key has this id. */
export class ApiKeyNotFound extends Schema.TaggedError<ApiKeyNotFound>()("ApiKeyNotFound", {
  id: Schema.String
}) {
  override get message(): string {
    return `No API key has the id ${JSON.stringify(this.id)}; list them with effex keys list`
  }
}

/** Properties of a key to create. */
export interface NewApiKey {
  readonly name: string
  readonly scopes: ReadonlyArray<ApiKey.Scope>
  /** None: the key does not expire. */
  readonly lifetime: Option.Option<Duration.Duration>
}

const LAST_USE_INTERVAL_MILLIS = 60_000

/** Creates, lists, revokes and authenticates API keys. */
export class ApiKeys extends Context.Service<
  ApiKeys,
  {
    /** Mode of the keys that this instance creates and accepts. */
    readonly mode: ApiKey.ApiKeyMode
    /**
     * Creates a key. Only its hash is stored, so this is the only time that the key is available. `record` runs in the
     * transaction.
     */
    readonly create: (
      newKey: NewApiKey,
      record?: (key: ApiKey.ApiKey) => Record
    ) => Effect.Effect<{ readonly key: Redacted.Redacted; readonly record: ApiKey.ApiKey }, StoreUnavailable>
    /** Returns all keys, oldest first, including expired and revoked ones. */
    readonly list: Effect.Effect<ReadonlyArray<ApiKey.ApiKey>, StoreUnavailable>
    /**
     * Revokes a key permanently. Every node that reaches the database rejects it within 10 seconds. `record` runs in the
     * transaction.
     */
    readonly revoke: (
      id: string,
      record?: Record
    ) => Effect.Effect<ApiKey.ApiKey, ApiKeyNotFound | StoreUnavailable>
    /**
     * Returns the principal of a key. `beforeUnknownKey` runs once per call if the key is not known to be valid, and
     * before the database is queried for it; its failure is the result. `ApiKeyCache` defines which keys are known, and
     * what happens while the database is unavailable.
     */
    readonly authenticate: <E>(
      key: string,
      beforeUnknownKey: Effect.Effect<unknown, E>
    ) => Effect.Effect<KeyPrincipal, ApiKey.InvalidKey | StoreUnavailable | E>
    /**
     * Authenticates synchronously, for the fast path. `now` is in epoch milliseconds. Returns undefined if the key has
     * to be looked up or is invalid; {@link authenticate} decides then.
     */
    readonly authenticateSync: (key: string, now: number) => KeyPrincipal | undefined
  }
>()("effex/access/ApiKeys") {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const { sandbox } = yield* Settings
      const repo = yield* ApiKeyRepo
      const random = yield* SecureRandom.SecureRandom
      const scope = yield* Effect.scope
      const context = yield* Effect.context<never>()
      const cache = yield* ApiKeyCache.make(repo.byHash)
      const mode: ApiKey.ApiKeyMode = sandbox ? "test" : "live"
      const lastUses = new Map<ApiKey.ApiKeyId, number>()

      const create = Effect.fn("ApiKeys.create")(function* (
        { lifetime, name, scopes }: NewApiKey,
        recordOf?: (key: ApiKey.ApiKey) => Record
      ) {
        const key = ApiKey.compose(mode, yield* random.randomBytes(ApiKey.KEY_ENTROPY_BYTES))
        const createdAt = yield* DateTime.now
        const record: ApiKey.ApiKey = {
          id: ApiKey.composeId(yield* random.randomBytes(ApiKey.ID_ENTROPY_BYTES)),
          name,
          mode,
          lastFour: key.slice(-4),
          scopes: Array.from(new Set(scopes)),
          createdAt,
          expiresAt: Option.map(lifetime, (duration) => DateTime.addDuration(createdAt, duration)),
          revokedAt: Option.none(),
          lastUsedAt: Option.none()
        }
        yield* repo.insert(record, hashApiKey(key), recordOf?.(record))
        return { key: Redacted.make(key), record }
      })

      const revoke = Effect.fn("ApiKeys.revoke")(function* (id: string, record?: Record) {
        const revoked = Schema.is(ApiKey.ApiKeyId)(id)
          ? yield* repo.revoke(id, yield* DateTime.now, record)
          : Option.none()
        return Option.isSome(revoked) ? revoked.value : yield* new ApiKeyNotFound({ id })
      })

      /** Records the time of use in the background, at most once per minute. */
      const recordUse = (key: ApiKey.ApiKey, now: number) => {
        const last =
          lastUses.get(key.id) ??
          Option.getOrElse(Option.map(key.lastUsedAt, DateTime.toEpochMillis), () => 0)
        if (now >= last && now - last < LAST_USE_INTERVAL_MILLIS) return Effect.void
        lastUses.set(key.id, now)
        return Effect.forkIn(Effect.ignoreCause(repo.touch(key.id, DateTime.makeUnsafe(now))), scope)
      }

      const findValid = Effect.fnUntraced(function* <E>(
        text: string,
        beforeUnknownKey: Effect.Effect<unknown, E>
      ) {
        const keyMode = ApiKey.modeOf(text)
        // Keys are compared by hash: the time that the comparison takes reveals nothing about a key.
        const hash = hashApiKey(text)
        const isKnown = cache.isKnown(hash)
        if (!isKnown) yield* beforeUnknownKey
        if (Result.isFailure(keyMode)) return yield* keyMode.failure
        if (keyMode.success !== mode) return yield* wrongMode(mode)
        const found = yield* cache.find(hash)
        if (Option.isNone(found)) return yield* new ApiKey.InvalidKey({ detail: "The API key is unknown" })
        const invalid = expiredOrRevoked(found.value, yield* Clock.currentTimeMillis)
        if (invalid === undefined) return found.value
        if (isKnown) yield* beforeUnknownKey
        return yield* invalid
      })

      const authenticate: ApiKeys["Service"]["authenticate"] = Effect.fnUntraced(
        function* (text, beforeUnknownKey) {
          const key = yield* findValid(text, beforeUnknownKey)
          yield* recordUse(key, yield* Clock.currentTimeMillis)
          return key
        }
      )

      const authenticateSync: ApiKeys["Service"]["authenticateSync"] = (text, now) => {
        const key = cache.peek(hashApiKey(text))
        if (key === undefined || key.mode !== mode || expiredOrRevoked(key, now) !== undefined)
          return undefined
        const recorded = recordUse(key, now)
        if (recorded !== Effect.void) Effect.runForkWith(context)(recorded)
        return key
      }

      return ApiKeys.of({ mode, create, list: repo.list, revoke, authenticate, authenticateSync })
    })
  )
}

const wrongMode = (mode: ApiKey.ApiKeyMode) =>
  new ApiKey.InvalidKey({
    detail:
      mode === "live"
        ? "The API key is a test key; this instance has real providers and accepts only live keys (efx_live_…)"
        : "The API key is a live key; this instance runs the sandbox and accepts only test keys (efx_test_…)"
  })

const expiredOrRevoked = ({ expiresAt, revokedAt }: ApiKey.ApiKey, now: number) => {
  if (Option.isSome(revokedAt)) return invalidSince("was revoked", revokedAt.value)
  return Option.isSome(expiresAt) && DateTime.toEpochMillis(expiresAt.value) <= now
    ? invalidSince("expired", expiresAt.value)
    : undefined
}

const invalidSince = (event: "expired" | "was revoked", at: DateTime.Utc) =>
  new ApiKey.InvalidKey({ detail: `The API key ${event} at ${DateTime.formatIso(at)}` })

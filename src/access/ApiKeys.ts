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
import { hash } from "node:crypto"
import { Settings } from "../config/Settings.ts"
import * as ApiKey from "../domain/access/ApiKey.ts"
import type { StoreUnavailable } from "../platform/postgres/Database.ts"
import { ApiKeyRepo } from "./ApiKeyRepo.ts"
import * as ApiKeyCache from "./ApiKeyCache.ts"

/** No key has that id. */
export class UnknownKeyId extends Schema.TaggedError<UnknownKeyId>()("UnknownKeyId", { id: Schema.String }) {
  override get message(): string {
    return `No key has the id ${JSON.stringify(this.id)}`
  }
}

/** What a new key shall be. */
export interface NewKey {
  readonly name: string
  readonly scopes: ReadonlyArray<ApiKey.Scope>
  /** None: it is in force until it is revoked. */
  readonly lifetime: Option.Option<Duration.Duration>
}

const USE_RECORDED_EVERY_MILLIS = 60_000

/** The keys of the API: who holds one may do what stands on it. */
export class ApiKeys extends Context.Service<
  ApiKeys,
  {
    /** What the keys are that are made and taken here. */
    readonly mode: ApiKey.Mode
    /** Makes a key. It is told now and never again: only its hash is kept. */
    readonly create: (
      asked: NewKey
    ) => Effect.Effect<{ readonly key: Redacted.Redacted; readonly record: ApiKey.ApiKey }, StoreUnavailable>
    /** All keys there ever were, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<ApiKey.ApiKey>, StoreUnavailable>
    /** Revokes a key for ever. Every node refuses it within 10 seconds, while it reaches the database. */
    readonly revoke: (id: string) => Effect.Effect<ApiKey.ApiKey, UnknownKeyId | StoreUnavailable>
    /**
     * Who holds a key; see `KeyMemory` for what happens while the database does not answer. `guessed` runs first where it
     * is no key that this node knows to be in force, before the database is asked: what it fails with is the answer.
     */
    readonly authenticate: <E>(
      text: string,
      guessed: Effect.Effect<unknown, E>
    ) => Effect.Effect<ApiKey.Principal, ApiKey.InvalidKey | StoreUnavailable | E>
  }
>()("effex/access/ApiKeys") {
  static readonly layer = Layer.effect(
    ApiKeys,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const { sandbox } = yield* Settings
  const repo = yield* ApiKeyRepo
  const random = yield* SecureRandom.SecureRandom
  const scope = yield* Effect.scope
  const memory = yield* ApiKeyCache.make(repo.byHash)
  const mode: ApiKey.Mode = sandbox ? "test" : "live"
  const used = new Map<ApiKey.ApiKeyId, number>()

  const create = Effect.fn("ApiKeys.create")(function* ({ lifetime, name, scopes }: NewKey) {
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
    yield* repo.insert(record, hashOf(key))
    return { key: Redacted.make(key), record }
  })

  const revoke = Effect.fn("ApiKeys.revoke")(function* (id: string) {
    const known = Schema.is(ApiKey.ApiKeyId)(id)
    const revoked = known ? yield* repo.revoke(id, yield* DateTime.now) : Option.none()
    return Option.isSome(revoked) ? revoked.value : yield* new UnknownKeyId({ id })
  })

  /** Records the use once in a while, behind the request. */
  const touch = (key: ApiKey.ApiKey, now: number) => {
    const last =
      used.get(key.id) ?? Option.getOrElse(Option.map(key.lastUsedAt, DateTime.toEpochMillis), () => 0)
    if (now - last < USE_RECORDED_EVERY_MILLIS) return Effect.void
    used.set(key.id, now)
    return Effect.forkIn(Effect.ignoreCause(repo.touch(key.id, DateTime.makeUnsafe(now))), scope)
  }

  const held = Effect.fnUntraced(function* <E>(text: string, guessed: Effect.Effect<unknown, E>) {
    const made = ApiKey.modeOf(text)
    // What is compared is the hash of what was sent: how long that takes says nothing of a key.
    const hash = hashOf(text)
    const isKnown = memory.isKnown(hash)
    if (!isKnown) yield* guessed
    if (Result.isFailure(made)) return yield* made.failure
    if (made.success !== mode) return yield* ofOtherMode(mode)
    const found = yield* memory.find(hash)
    if (Option.isNone(found)) return yield* new ApiKey.InvalidKey({ detail: "No key like this is in force" })
    const ended = endOf(found.value, yield* Clock.currentTimeMillis)
    if (ended === undefined) return found.value
    if (isKnown) yield* guessed
    return yield* ended
  })

  const authenticate: ApiKeys["Service"]["authenticate"] = Effect.fnUntraced(function* (text, guessed) {
    const key = yield* held(text, guessed)
    yield* touch(key, yield* Clock.currentTimeMillis)
    return key
  })

  return ApiKeys.of({ mode, create, list: repo.list, revoke, authenticate })
})

const hashOf = (key: string) => hash("sha256", key, "hex")

const ofOtherMode = (mode: ApiKey.Mode) =>
  new ApiKey.InvalidKey({
    detail:
      mode === "live"
        ? "It is a test key, of an instance with the sandbox: this one has real providers, and takes efx_live_…"
        : "It is a live key, of an instance with real providers: this one has the sandbox, and takes efx_test_…"
  })

/** Why a key is in force no longer. */
const endOf = ({ expiresAt, revokedAt }: ApiKey.ApiKey, now: number) => {
  if (Option.isSome(revokedAt)) return endedAt("was revoked", revokedAt.value)
  return Option.isSome(expiresAt) && DateTime.toEpochMillis(expiresAt.value) <= now
    ? endedAt("expired", expiresAt.value)
    : undefined
}

const endedAt = (how: string, at: DateTime.Utc) =>
  new ApiKey.InvalidKey({ detail: `The key ${how} at ${DateTime.formatIso(at)}` })

import { assert, describe, it, layer } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Exit, Layer, Option, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { ApiKeyRepo } from "../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as SkewedClock from "../support/SkewedClock.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const REAL_PROVIDER = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const shop = { name: "shop", scopes: ["convert", "audit:read"] as const, lifetime: Option.none() }

const layerOf = (env: Readonly<Record<string, string>>) =>
  ApiKeys.layer.pipe(
    Layer.provideMerge(ApiKeyRepo.layer),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.provideMerge(TestDatabase.layer(env))
  )

const create = Effect.fnUntraced(function* (newKey: Parameters<ApiKeys["Service"]["create"]>[0] = shop) {
  const keys = yield* ApiKeys
  const { key, record } = yield* keys.create(newKey)
  return { text: Redacted.value(key), record }
})

/** Runs an effect as if a time had passed. */
const later = Effect.fnUntraced(function* <A, E, R>(by: Duration.Input, effect: Effect.Effect<A, E, R>) {
  const { clock, setForward } = yield* SkewedClock.make
  yield* setForward(by)
  return yield* Effect.provideService(effect, Clock.Clock, clock)
})

/** Returns why a key is rejected. */
const rejectionOf = (text: string) =>
  Effect.flatMap(ApiKeys, (keys) => Effect.flip(keys.authenticate(text, Effect.void))).pipe(
    Effect.map((error) => (error._tag === "InvalidKey" ? error.detail : assert.fail(error._tag)))
  )

layer(layerOf(REAL_PROVIDER), { excludeTestServices: true })("ApiKeys", (it) => {
  it.effect("returns a new key once, and stores only its hash", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { sql, execute } = yield* Database
      const { record, text } = yield* create()
      assert.match(text, /^efx_live_/)
      assert.deepInclude(record, { name: "shop", mode: "live", scopes: ["convert", "audit:read"] })
      assert.isTrue(text.endsWith(record.lastFour))
      const [row] = yield* execute(
        sql`SELECT to_jsonb(api_key)::text AS row FROM api_key WHERE id = ${record.id}`
      )
      assert.notInclude(String(row?.["row"]), text.slice(9, 24))
      assert.deepStrictEqual((yield* keys.list).at(-1), record)
      assert.deepInclude(yield* keys.authenticate(text, Effect.void), {
        id: record.id,
        scopes: ["convert", "audit:read"]
      })
    })
  )

  it.effect("creates unique keys and ids", () =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(Array.from({ length: 50 }), () => create())
      assert.strictEqual(new Set(all.map(({ text }) => text)).size, 50)
      assert.strictEqual(new Set(all.map(({ record }) => record.id)).size, 50)
    })
  )

  it.effect("rejects malformed, unknown and expired keys, and those of the sandbox", () =>
    Effect.gen(function* () {
      const { text } = yield* create({ ...shop, lifetime: Option.some(Duration.minutes(1)) })
      const unknown = ApiKey.compose("live", new Uint8Array(32).fill(9))
      const test = ApiKey.compose("test", new Uint8Array(32).fill(9))
      assert.include(yield* rejectionOf("nonsense"), "The API key is malformed")
      assert.strictEqual(yield* rejectionOf(unknown), "The API key is unknown")
      assert.include(yield* rejectionOf(test), "The API key is a test key")
      assert.match(yield* later("1 minute", rejectionOf(text)), /^The API key expired at \d{4}-/)
    })
  )

  it.effect("revokes a key permanently, and keeps the time of the first revocation", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { record, text } = yield* create()
      const first = yield* keys.revoke(record.id)
      assert.isTrue(Option.isSome(first.revokedAt))
      assert.deepStrictEqual(yield* later("1 second", keys.revoke(record.id)), first)
      assert.match(yield* rejectionOf(text), /^The API key was revoked at \d{4}-/)
      for (const id of ["key_000000000000", "nonsense", text])
        assert.strictEqual((yield* Effect.flip(keys.revoke(id)))._tag, "ApiKeyNotFound")
    })
  )

  it.effect("stores keys that cannot be deleted, restored or given more scopes", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { sql, tryExecute } = yield* Database
      const { record } = yield* create()
      yield* keys.revoke(record.id)
      const { id } = record
      const changes = [
        sql`UPDATE api_key SET revoked_at = NULL WHERE id = ${id}`,
        sql`UPDATE api_key SET revoked_at = now() + interval '1 day' WHERE id = ${id}`,
        sql`UPDATE api_key SET scopes = ARRAY['admin'] WHERE id = ${id}`,
        sql`UPDATE api_key SET hash = sha256('x') WHERE id = ${id}`,
        sql`UPDATE api_key SET expires_at = now() + interval '1 day' WHERE id = ${id}`,
        sql`DELETE FROM api_key WHERE id = ${id}`,
        sql`TRUNCATE api_key`,
        sql`INSERT INTO api_key SELECT 'key_000000000001', name, sha256('y'), mode, last_four, ARRAY['all'], created_at FROM api_key`
      ]
      for (const change of changes)
        assert.strictEqual((yield* Effect.flip(tryExecute(change)))._tag, "SqlError")
      assert.isTrue((yield* keys.list).some((key) => key.id === id))
    })
  )

  it.effect("records the time of last use, at most once a minute", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const repo = yield* ApiKeyRepo
      const { record, text } = yield* create()
      const lastUse = Effect.map(keys.list, (all) => all.find(({ id }) => id === record.id)?.lastUsedAt)
      yield* keys.authenticate(text, Effect.void)
      const used = yield* Effect.repeat(Effect.delay(lastUse, "5 millis"), {
        until: (at) => at !== undefined && Option.isSome(at)
      })
      const at = DateTime.toEpochMillis(Option.getOrThrow(used ?? Option.none()))
      yield* repo.touch(record.id, DateTime.makeUnsafe(at + 59_000))
      assert.deepStrictEqual(yield* lastUse, used)
      yield* repo.touch(record.id, DateTime.makeUnsafe(at - 120_000))
      assert.deepStrictEqual(yield* lastUse, used)
      yield* repo.touch(record.id, DateTime.makeUnsafe(at + 60_000))
      assert.deepStrictEqual(yield* lastUse, Option.some(DateTime.makeUnsafe(at + 60_000)))
    })
  )
})

describe("ApiKeys with the sandbox", () => {
  it.live("creates test keys, and rejects live keys", () =>
    Effect.gen(function* () {
      const { text } = yield* create()
      assert.match(text, /^efx_test_/)
      const keys = yield* ApiKeys
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(keys.authenticate(text, Effect.void))))
      assert.include(
        yield* rejectionOf(ApiKey.compose("live", new Uint8Array(32))),
        "The API key is a live key"
      )
    }).pipe(Effect.provide(layerOf({})))
  )
})

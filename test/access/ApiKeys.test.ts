import { assert, describe, it, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, Exit, Layer, Option, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { ApiKeyRepo } from "../../src/access/ApiKeyRepo.ts"
import { ApiKeys } from "../../src/access/ApiKeys.ts"
import * as ApiKey from "../../src/domain/access/ApiKey.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const REAL = { FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }
const shop = { name: "shop", scopes: ["convert", "audit:read"] as const, lifetime: Option.none() }

const keysOver = (env: Readonly<Record<string, string>>) =>
  ApiKeys.layer.pipe(
    Layer.provideMerge(ApiKeyRepo.layer),
    Layer.provideMerge(SecureRandom.layerWebCrypto),
    Layer.provideMerge(TestDatabase.layer(env))
  )

const made = Effect.fnUntraced(function* (asked: Parameters<ApiKeys["Service"]["create"]>[0] = shop) {
  const keys = yield* ApiKeys
  const { key, record } = yield* keys.create(asked)
  return { text: Redacted.value(key), record }
})

const refused = (text: string) =>
  Effect.flatMap(ApiKeys, (keys) => Effect.flip(keys.authenticate(text, Effect.void))).pipe(
    Effect.map((error) => (error._tag === "InvalidKey" ? error.detail : assert.fail(error._tag)))
  )

layer(keysOver(REAL), { excludeTestServices: true })("ApiKeys", (it) => {
  it.effect("tells a key once, and keeps only its hash", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { sql, within } = yield* Database
      const { record, text } = yield* made()
      assert.match(text, /^efx_live_/)
      assert.deepInclude(record, { name: "shop", mode: "live", scopes: ["convert", "audit:read"] })
      assert.isTrue(text.endsWith(record.lastFour))
      const [row] = yield* within(
        sql`SELECT to_jsonb(api_key)::text AS kept FROM api_key WHERE id = ${record.id}`
      )
      assert.notInclude(String(row?.["kept"]), text.slice(9, 24))
      assert.deepStrictEqual((yield* keys.list).at(-1), record)
      assert.deepInclude(yield* keys.authenticate(text, Effect.void), {
        id: record.id,
        scopes: ["convert", "audit:read"]
      })
    })
  )

  it.effect("never makes the same key, or the same id", () =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(Array.from({ length: 50 }), () => made())
      assert.strictEqual(new Set(all.map(({ text }) => text)).size, 50)
      assert.strictEqual(new Set(all.map(({ record }) => record.id)).size, 50)
    })
  )

  it.effect("refuses what is no key, is not known, has expired, or is of the sandbox", () =>
    Effect.gen(function* () {
      const { text } = yield* made({ ...shop, lifetime: Option.some(Duration.millis(20)) })
      const unknown = ApiKey.compose("live", new Uint8Array(32).fill(9))
      const test = ApiKey.compose("test", new Uint8Array(32).fill(9))
      assert.include(yield* refused("nonsense"), "It is not written as a key")
      assert.strictEqual(yield* refused(unknown), "No key like this is in force")
      assert.include(yield* refused(test), "It is a test key")
      yield* Effect.sleep("30 millis")
      assert.match(yield* refused(text), /^The key expired at \d{4}-/)
    })
  )

  it.effect("revokes a key once and for ever", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { record, text } = yield* made()
      const first = yield* keys.revoke(record.id)
      assert.isTrue(Option.isSome(first.revokedAt))
      yield* Effect.sleep("5 millis")
      assert.deepStrictEqual(yield* keys.revoke(record.id), first)
      assert.match(yield* refused(text), /^The key was revoked at \d{4}-/)
      for (const id of ["key_000000000000", "nonsense", text])
        assert.strictEqual((yield* Effect.flip(keys.revoke(id)))._tag, "UnknownKeyId")
    })
  )

  it.effect("are never deleted, nor brought back, nor made wider", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const { sql, attempt } = yield* Database
      const { record } = yield* made()
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
      for (const change of changes) assert.strictEqual((yield* Effect.flip(attempt(change)))._tag, "SqlError")
      assert.isTrue((yield* keys.list).some((key) => key.id === id))
    })
  )

  it.effect("tell when they were used last, once a minute at most", () =>
    Effect.gen(function* () {
      const keys = yield* ApiKeys
      const repo = yield* ApiKeyRepo
      const { record, text } = yield* made()
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

describe("ApiKeys of an instance with the sandbox", () => {
  it.live("makes test keys, and refuses live ones", () =>
    Effect.gen(function* () {
      const { text } = yield* made()
      assert.match(text, /^efx_test_/)
      const keys = yield* ApiKeys
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(keys.authenticate(text, Effect.void))))
      assert.include(yield* refused(ApiKey.compose("live", new Uint8Array(32))), "It is a live key")
    }).pipe(Effect.provide(keysOver({})))
  )
})

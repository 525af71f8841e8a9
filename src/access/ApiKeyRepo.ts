import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { type ApiKey, type AuthenticatedKey, ApiKeyId, ApiKeyMode, Scope } from "../domain/access/ApiKey.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** Records the action of an administrator. */
export type Record = Effect.Effect<void, SqlError.SqlError>

/** API keys in PostgreSQL. A hash is the SHA-256 of a key in hexadecimal. */
export class ApiKeyRepo extends Context.Service<
  ApiKeyRepo,
  {
    /** Inserts a key. `record` runs in the same transaction. */
    readonly insert: (key: ApiKey, hash: string, record?: Record) => Effect.Effect<void, StoreUnavailable>
    readonly byHash: (hash: string) => Effect.Effect<Option.Option<AuthenticatedKey>, StoreUnavailable>
    /** Returns all keys, oldest first, including expired and revoked ones. */
    readonly list: Effect.Effect<ReadonlyArray<ApiKey>, StoreUnavailable>
    /**
     * Revokes a key and returns it. Keeps the time of an earlier revocation. None if the key does not exist. `record` runs in
     * the same transaction if it does.
     */
    readonly revoke: (
      id: ApiKeyId,
      at: DateTime.Utc,
      record?: Record
    ) => Effect.Effect<Option.Option<ApiKey>, StoreUnavailable>
    /** Sets the time of last use, unless the recorded one is less than a minute older. */
    readonly touch: (id: ApiKeyId, at: DateTime.Utc) => Effect.Effect<void, StoreUnavailable>
  }
>()("effex/access/ApiKeyRepo") {
  static readonly layer = Layer.effect(
    ApiKeyRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      const columns = sql.literal(
        "id, name, mode, last_four, scopes || user_scopes AS scopes, created_at, expires_at, revoked_at, last_used_at"
      )

      const insert = Effect.fn("ApiKeyRepo.insert")(function* (
        key: ApiKey,
        hash: string,
        record: Record = Effect.void
      ) {
        const statement = sql`
          INSERT INTO api_key (id, name, hash, mode, last_four, scopes, user_scopes, created_at, expires_at)
          VALUES (
            ${key.id}, ${key.name}, decode(${hash}, 'hex'), ${key.mode}, ${key.lastFour},
            string_to_array(${key.scopes.filter((scope) => scope !== "wallets").join()}, ','),
            string_to_array(${key.scopes.filter((scope) => scope === "wallets").join()}, ','), ${DateTime.toDateUtc(key.createdAt)},
            ${Option.getOrNull(Option.map(key.expiresAt, DateTime.toDateUtc))}
          )`
        yield* execute(sql.withTransaction(Effect.andThen(statement, record)))
      })

      const byHash = Effect.fn("ApiKeyRepo.byHash")(function* (hash: string) {
        const rows = yield* execute(sql`
          SELECT ${columns}, ARRAY(
            SELECT id FROM api_key AS other WHERE other.name = api_key.name AND other.mode = api_key.mode
            ORDER BY created_at, id
          ) AS owner
          FROM api_key WHERE hash = decode(${hash}, 'hex')`)
        const found = Array.head(yield* Effect.orDie(decodeAuthenticated(rows)))
        return Option.map(found, (key): AuthenticatedKey => ({ ...key, kind: "key" }))
      })

      const list = execute(sql`SELECT ${columns} FROM api_key ORDER BY created_at, id`).pipe(
        Effect.flatMap(decodeRows),
        Effect.withSpan("ApiKeyRepo.list")
      )

      const revoke = Effect.fn("ApiKeyRepo.revoke")(function* (
        id: ApiKeyId,
        at: DateTime.Utc,
        record: Record = Effect.void
      ) {
        const statement = sql`
          UPDATE api_key SET revoked_at = coalesce(revoked_at, greatest(created_at, ${DateTime.toDateUtc(at)}))
          WHERE id = ${id} RETURNING ${columns}`
        const rows = yield* execute(
          sql.withTransaction(Effect.tap(statement, (found) => (found.length > 0 ? record : Effect.void)))
        )
        return Array.head(yield* decodeRows(rows))
      })

      const touch = Effect.fn("ApiKeyRepo.touch")(function* (id: ApiKeyId, at: DateTime.Utc) {
        const usedAt = DateTime.toDateUtc(at)
        yield* execute(sql`
          UPDATE api_key SET last_used_at = ${usedAt}
          WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${usedAt}::timestamptz - interval '1 minute')`)
      })

      return ApiKeyRepo.of({ insert, byHash, list, revoke, touch })
    })
  )
}

const Row = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  mode: ApiKeyMode,
  lastFour: Schema.String,
  scopes: Schema.Array(Scope),
  createdAt: Schema.DateTimeUtcFromDate,
  expiresAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  revokedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  lastUsedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
})

const AuthenticatedRow = Schema.Struct({ ...Row.fields, owner: Schema.NonEmptyArray(ApiKeyId) })
const decodeAuthenticated = Schema.decodeUnknownEffect(Schema.Array(AuthenticatedRow))

const decode = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeRows = (rows: unknown): Effect.Effect<ReadonlyArray<ApiKey>> => Effect.orDie(decode(rows))

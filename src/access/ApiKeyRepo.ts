import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { type ApiKey, ApiKeyId, Mode, Scope } from "../domain/access/ApiKey.ts"
import { Database, type StoreUnavailable } from "../platform/postgres/Database.ts"

/** The keys of the API in Postgres, found by their hash: the SHA-256 of a key, in hexadecimal. */
export class ApiKeyRepo extends Context.Service<
  ApiKeyRepo,
  {
    readonly insert: (key: ApiKey, hash: string) => Effect.Effect<void, StoreUnavailable>
    readonly byHash: (hash: string) => Effect.Effect<Option.Option<ApiKey>, StoreUnavailable>
    /** All keys there ever were, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<ApiKey>, StoreUnavailable>
    /** Revokes a key, unless it has been already, and returns it; none where there is no such key. */
    readonly revoke: (
      id: ApiKeyId,
      at: DateTime.Utc
    ) => Effect.Effect<Option.Option<ApiKey>, StoreUnavailable>
    /** Records a use, unless another one is recorded of less than a minute before. */
    readonly touch: (id: ApiKeyId, at: DateTime.Utc) => Effect.Effect<void, StoreUnavailable>
  }
>()("effex/access/ApiKeyRepo") {
  static readonly layer = Layer.effect(
    ApiKeyRepo,
    Effect.gen(function* () {
      const { sql, within } = yield* Database
      const columns = sql.literal(
        "id, name, mode, last_four, scopes, created_at, expires_at, revoked_at, last_used_at"
      )

      const insert = Effect.fn("ApiKeyRepo.insert")(function* (key: ApiKey, hash: string) {
        yield* within(sql`
          INSERT INTO api_key (id, name, hash, mode, last_four, scopes, created_at, expires_at)
          VALUES (
            ${key.id}, ${key.name}, decode(${hash}, 'hex'), ${key.mode}, ${key.lastFour},
            string_to_array(${key.scopes.join()}, ','), ${DateTime.toDateUtc(key.createdAt)},
            ${Option.getOrNull(Option.map(key.expiresAt, DateTime.toDateUtc))}
          )`)
      })

      const byHash = Effect.fn("ApiKeyRepo.byHash")(function* (hash: string) {
        const rows = yield* within(sql`SELECT ${columns} FROM api_key WHERE hash = decode(${hash}, 'hex')`)
        return Array.head(yield* decodeRows(rows))
      })

      const list = within(sql`SELECT ${columns} FROM api_key ORDER BY created_at, id`).pipe(
        Effect.flatMap(decodeRows),
        Effect.withSpan("ApiKeyRepo.list")
      )

      const revoke = Effect.fn("ApiKeyRepo.revoke")(function* (id: ApiKeyId, at: DateTime.Utc) {
        const rows = yield* within(sql`
          UPDATE api_key SET revoked_at = coalesce(revoked_at, greatest(created_at, ${DateTime.toDateUtc(at)}))
          WHERE id = ${id} RETURNING ${columns}`)
        return Array.head(yield* decodeRows(rows))
      })

      const touch = Effect.fn("ApiKeyRepo.touch")(function* (id: ApiKeyId, at: DateTime.Utc) {
        const moment = DateTime.toDateUtc(at)
        yield* within(sql`
          UPDATE api_key SET last_used_at = ${moment}
          WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${moment}::timestamptz - interval '1 minute')`)
      })

      return ApiKeyRepo.of({ insert, byHash, list, revoke, touch })
    })
  )
}

const Row = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  mode: Mode,
  lastFour: Schema.String,
  scopes: Schema.Array(Scope),
  createdAt: Schema.DateTimeUtcFromDate,
  expiresAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  revokedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
  lastUsedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
})

const decode = Schema.decodeUnknownEffect(Schema.Array(Row))
const decodeRows = (rows: unknown): Effect.Effect<ReadonlyArray<ApiKey>> => Effect.orDie(decode(rows))

import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions } from "../../../accounts/AdminActions.ts"
import { ApiKeys } from "../../../access/ApiKeys.ts"
import { Caller } from "../../../api/access/Caller.ts"
import type { KeyMessage } from "../../../api/access/KeyMessage.ts"
import { Api } from "../../../api/Api.ts"
import * as Problem from "../../../api/Problem.ts"
import { type ApiKey, ApiKeyId } from "../../../domain/access/ApiKey.ts"
import * as DurationText from "../../../domain/DurationText.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Handlers of the administration of API keys. */
export const layer = HttpApiBuilder.group(
  Api,
  "keys",
  Effect.fn(function* (handlers) {
    const { record } = yield* AdminActions
    const keys = yield* ApiKeys

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const after = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(ApiKeyId))
          const newestFirst = (yield* keys.list.pipe(Effect.catchTags(Problems.storeErrors))).toReversed()
          const start = newestFirst.findIndex(({ id }) => id === after) + 1
          const size = Pagination.sizeOf(query)
          return Pagination.pageOf(
            newestFirst.slice(start, start + size + 1),
            size,
            toMessage,
            ({ id }) => id
          )
        })
      )
      .handle(
        "create",
        Effect.fnUntraced(function* ({ payload: { lifetime, name, reason, scopes } }) {
          const caller = yield* Caller
          if (caller.kind !== "administrator") return yield* onlySignedIn
          const created = yield* keys
            .create({ name, scopes, lifetime: Option.fromUndefinedOr(lifetime) }, ({ id }) =>
              record({
                principal: caller.id,
                action: "key.create",
                subject: id,
                reason,
                details: {
                  name,
                  scopes,
                  lifetime: lifetime === undefined ? null : DurationText.format(lifetime)
                }
              })
            )
            .pipe(Effect.catchTags(Problems.storeErrors))
          return { ...toMessage(created.record), key: Redacted.value(created.key) }
        })
      )
      .handle(
        "revoke",
        Effect.fnUntraced(function* ({ params, payload }) {
          const { id: principal } = yield* Caller
          const revoked = yield* keys
            .revoke(
              params.key_id,
              record({ principal, action: "key.revoke", subject: params.key_id, reason: payload.reason })
            )
            .pipe(
              Effect.catchTags({
                ...Problems.storeErrors,
                ApiKeyNotFound: () =>
                  Effect.fail(new Problem.NotFound({ detail: "There is no API key with this id" }))
              })
            )
          return toMessage(revoked)
        })
      )
  })
)

const onlySignedIn = new Problem.Forbidden({
  detail: "API keys cannot create API keys; sign in as an administrator, or run effex keys create"
})

const toMessage = ({ id, lastFour, mode, name, scopes, ...times }: ApiKey): KeyMessage => ({
  id,
  name,
  ends_with: lastFour,
  scopes,
  mode,
  created_at: DateTime.formatIso(times.createdAt),
  expires_at: formatTime(times.expiresAt),
  revoked_at: formatTime(times.revokedAt),
  last_used_at: formatTime(times.lastUsedAt)
})

const formatTime = (at: Option.Option<DateTime.Utc>) => Option.getOrNull(Option.map(at, DateTime.formatIso))

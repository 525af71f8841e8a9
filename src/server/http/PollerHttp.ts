import { DateTime, Effect, Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions } from "../../accounts/AdminActions.ts"
import { Api } from "../../api/Api.ts"
import { Caller } from "../../api/access/Caller.ts"
import { PollerBody } from "../../api/polling/PollerMessage.ts"
import * as Problem from "../../api/Problem.ts"
import { changeFields, type PollerSetting, settingFields } from "../../domain/rates/PollerSetting.ts"
import { adminPollFields, type PollId } from "../../domain/rates/PollRun.ts"
import { type ActivePollerSetting, PollerSettings } from "../../rates/polling/PollerSettings.ts"
import { Polls, type ScheduleStatus } from "../../rates/polling/Polls.ts"
import { RatePoller } from "../../rates/polling/RatePoller.ts"
import * as ETag from "../encoding/ETag.ts"
import * as JsonBody from "../encoding/JsonBody.ts"
import * as Pagination from "../encoding/Pagination.ts"
import * as Problems from "../middleware/Problems.ts"

/** Handlers of the poller admin API. */
export const layer = HttpApiBuilder.group(
  Api,
  "poller",
  Effect.fn(function* (handlers) {
    const actions = yield* AdminActions
    const settings = yield* PollerSettings
    const polls = yield* Polls
    const poller = yield* RatePoller

    const respondSetting = Effect.fnUntraced(function* (active: ActivePollerSetting) {
      const status = yield* polls.scheduleStatus
      return respond(200, toFields(active, status, yield* DateTime.now), {
        etag: ETag.make(active.version)
      })
    }, Effect.catchTags(Problems.storeErrors))

    const change = Effect.fnUntraced(function* (
      value: Option.Option<PollerSetting>,
      ifMatch: string | undefined,
      reason: string | undefined
    ) {
      const { id: principal } = yield* Caller
      const expectedVersion = yield* ETag.parseIfMatch(ifMatch)
      const active = yield* settings
        .change({
          value,
          principal,
          expectedVersion,
          record: actions.record({
            principal,
            action: Option.isSome(value) ? "poller.change" : "poller.reset",
            subject: "poller",
            reason,
            details: Option.match(value, { onNone: () => ({}), onSome: settingFields })
          })
        })
        .pipe(Effect.catchTags(Problems.pollerSettingErrors))
      return yield* respondSetting(active)
    })

    return handlers
      .handleRaw("poller", () =>
        settings.active.pipe(Effect.catchTags(Problems.storeErrors), Effect.flatMap(respondSetting))
      )
      .handleRaw(
        "change",
        Effect.fnUntraced(function* ({ headers, query, request }) {
          return yield* change(Option.some(yield* readBody(request)), headers["if-match"], query.reason)
        })
      )
      .handleRaw("reset", ({ headers, query }) => change(Option.none(), headers["if-match"], query.reason))
      .handle(
        "changes",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(Version))
          const size = Pagination.sizeOf(query)
          const found = yield* settings.changes(before, size + 1).pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, changeFields, ({ version }) => String(version))
        })
      )
      .handleRaw(
        "run",
        Effect.fnUntraced(function* ({ query }) {
          const { id: principal } = yield* Caller
          const record = (id: PollId) =>
            actions.record({ principal, action: "poller.run", subject: id, reason: query.reason })
          const id = yield* poller.pollNow(principal, record).pipe(
            Effect.catchTags({
              ...Problems.pollNowErrors,
              PollInProgress: ({ message }) =>
                Effect.fail(
                  new Problem.StoreUnavailable({ detail: `${message}; its record is not stored yet` })
                )
            })
          )
          const run = yield* polls
            .byId(id)
            .pipe(Effect.catchTags({ ...Problems.storeErrors, PollNotFound: Effect.die }))
          return respond(202, adminPollFields(run), { location: `/api/v1/polls/${id}` })
        })
      )
  })
)

const Version = Schema.String.check(Schema.isPattern(/^\d{1,15}$/)).pipe(
  Schema.decodeTo(Schema.FiniteFromString)
)

const readBody = JsonBody.readerOf(PollerBody)

const toFields = (active: ActivePollerSetting, { lastPoll, leader }: ScheduleStatus, now: DateTime.Utc) => ({
  ...settingFields(active.setting),
  source: active.source,
  setting: settingFields(active.fallback),
  version: active.version,
  changed_at: Option.getOrNull(Option.map(active.latestChange, ({ at }) => DateTime.formatIso(at))),
  changed_by: Option.getOrNull(Option.map(active.latestChange, ({ principal }) => principal)),
  next_run_at: active.setting.enabled ? DateTime.formatIso(nextRunAt(active, lastPoll, now)) : null,
  leader: Option.getOrNull(
    Option.map(leader, ({ since, term }) => ({ term, since: DateTime.formatIso(since) }))
  ),
  last_run: Option.getOrNull(Option.map(lastPoll, adminPollFields))
})

/** Returns when the next poll is due. An overdue poll is due now. */
const nextRunAt = (
  { setting }: ActivePollerSetting,
  lastPoll: ScheduleStatus["lastPoll"],
  now: DateTime.Utc
) =>
  Option.match(lastPoll, {
    onNone: () => now,
    onSome: ({ startedAt }) => DateTime.max(now, DateTime.addDuration(startedAt, setting.interval))
  })

const respond = (status: number, fields: object, headers: Readonly<Record<string, string>>) =>
  HttpServerResponse.text(JSON.stringify(fields), {
    status,
    contentType: "application/json",
    headers: { "cache-control": "no-store", ...headers }
  })

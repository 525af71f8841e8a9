import { DateTime, Effect, Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { Caller } from "../../api/access/Caller.ts"
import { PollerBody } from "../../api/polling/PollerMessage.ts"
import * as Problem from "../../api/Problem.ts"
import { changeFields, type PollerSetting, settingFields } from "../../domain/rates/PollerSetting.ts"
import { adminPollFields } from "../../domain/rates/PollRun.ts"
import { type ActivePollerSetting, PollerSettings } from "../../rates/polling/PollerSettings.ts"
import { Polls, type ScheduleStatus } from "../../rates/polling/Polls.ts"
import { RatePoller } from "../../rates/polling/RatePoller.ts"
import * as JsonBody from "./JsonBody.ts"
import * as Pagination from "./Pagination.ts"
import * as Problems from "../middleware/Problems.ts"

/** The polls, for operators. */
export const layer = HttpApiBuilder.group(
  Api,
  "poller",
  Effect.fn(function* (handlers) {
    const settings = yield* PollerSettings
    const polls = yield* Polls
    const poller = yield* RatePoller

    const told = Effect.fnUntraced(function* (inForce: ActivePollerSetting) {
      const schedule = yield* polls.scheduleStatus
      return respond(200, fieldsOf(inForce, schedule, yield* DateTime.now), {
        etag: `"${inForce.version}"`
      })
    }, Effect.catchTags(Problems.storeErrors))

    const change = Effect.fnUntraced(function* (
      value: Option.Option<PollerSetting>,
      ifMatch: string | undefined
    ) {
      const { id: principal } = yield* Caller
      const version = yield* expectedOf(ifMatch)
      const inForce = yield* settings
        .change({ value, principal, expectedVersion: version })
        .pipe(Effect.catchTags(Problems.pollerSettingErrors))
      return yield* told(inForce)
    })

    return handlers
      .handleRaw("poller", () =>
        settings.active.pipe(Effect.catchTags(Problems.storeErrors), Effect.flatMap(told))
      )
      .handleRaw(
        "change",
        Effect.fnUntraced(function* ({ headers, request }) {
          return yield* change(Option.some(yield* readBody(request)), headers["if-match"])
        })
      )
      .handleRaw("reset", ({ headers }) => change(Option.none(), headers["if-match"]))
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
        Effect.fnUntraced(function* () {
          const { id: principal } = yield* Caller
          const id = yield* poller.pollNow(principal).pipe(
            Effect.catchTags({
              ...Problems.storeErrors,
              PollInProgress: ({ message }) =>
                Effect.fail(new Problem.StoreUnavailable({ detail: `${message}, and is not recorded yet` }))
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

/** The version that a caller wants to change; none for whichever there is. */
const expectedOf = (ifMatch: string | undefined) => {
  if (ifMatch === undefined || ifMatch.trim() === "*") return Effect.succeedNone
  const [, version] = /^"(\d{1,15})"$/.exec(ifMatch.trim()) ?? []
  return version === undefined
    ? Effect.fail(new Problem.PreconditionFailed({ detail: "If-Match must be * or the ETag of an answer" }))
    : Effect.succeedSome(Number(version))
}

const fieldsOf = (inForce: ActivePollerSetting, { lastPoll, leader }: ScheduleStatus, now: DateTime.Utc) => ({
  ...settingFields(inForce.setting),
  source: inForce.source,
  setting: settingFields(inForce.fallback),
  version: inForce.version,
  changed_at: Option.getOrNull(Option.map(inForce.latestChange, ({ at }) => DateTime.formatIso(at))),
  changed_by: Option.getOrNull(Option.map(inForce.latestChange, ({ principal }) => principal)),
  next_run_at: inForce.setting.enabled ? DateTime.formatIso(nextOf(inForce, lastPoll, now)) : null,
  leader: Option.getOrNull(
    Option.map(leader, ({ since, term }) => ({ term, since: DateTime.formatIso(since) }))
  ),
  last_run: Option.getOrNull(Option.map(lastPoll, adminPollFields))
})

/** A poll that is overdue is due now. */
const nextOf = ({ setting }: ActivePollerSetting, lastPoll: ScheduleStatus["lastPoll"], now: DateTime.Utc) =>
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

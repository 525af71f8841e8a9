import { Context, type DateTime, Effect, Layer, Option } from "effect"
import { type PollDetails, type PollId, PollNotFound, type PollRecord } from "../../domain/rates/PollRun.ts"
import { LeaderTerms } from "../../platform/LeaderTerms.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { PollRepo } from "./PollRepo.ts"
import { POLLER } from "./RatePoller.ts"

/** State of scheduled polling in the cluster. */
export interface ScheduleStatus {
  /** Latest leader term and its start; none before the first. */
  readonly leader: Option.Option<{ readonly term: number; readonly since: DateTime.Utc }>
  readonly lastPoll: Option.Option<PollRecord>
}

/** Reads recorded polls, for operators. */
export class Polls extends Context.Service<
  Polls,
  {
    readonly byId: (id: PollId) => Effect.Effect<PollDetails, PollNotFound | StoreUnavailable>
    /** Returns at most `limit` polls that started before another one, newest first. */
    readonly page: PollRepo["Service"]["page"]
    readonly scheduleStatus: Effect.Effect<ScheduleStatus, StoreUnavailable>
  }
>()("effex/rates/polling/Polls") {
  static readonly layer = Layer.effect(
    Polls,
    Effect.gen(function* () {
      const repo = yield* PollRepo
      const leaderTerms = yield* LeaderTerms

      const byId = Effect.fn("Polls.byId")(function* (id: PollId) {
        const found = yield* repo.byId(id)
        return Option.isSome(found) ? found.value : yield* new PollNotFound({ id })
      })

      const scheduleStatus = Effect.gen(function* () {
        const latest = yield* leaderTerms.latestTerm(POLLER)
        return {
          leader: Option.map(latest, ({ startedAt, term }) => ({ term: Number(term), since: startedAt })),
          lastPoll: yield* repo.latestScheduled
        }
      })

      return Polls.of({ byId, page: repo.page, scheduleStatus })
    })
  )
}

import { Context, type DateTime, Effect, Layer, Option } from "effect"
import { type PollDetails, type PollId, PollNotFound, type PollRecord } from "../../domain/rates/PollRun.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { Leader } from "../../platform/Leader.ts"
import { PollRepo } from "./PollRepo.ts"
import { POLLER } from "./RatePoller.ts"

/** Who polls by the schedule, and what came of it last. */
export interface Schedule {
  /** The latest term, and when it began; none before the first. */
  readonly leader: Option.Option<{ readonly term: number; readonly since: DateTime.Utc }>
  readonly last: Option.Option<PollRecord>
}

/** The polls that were made, for operators to look at. */
export class Polls extends Context.Service<
  Polls,
  {
    readonly byId: (id: PollId) => Effect.Effect<PollDetails, PollNotFound | StoreUnavailable>
    /** At most `limit` polls that began before another one, newest first. */
    readonly page: PollRepo["Service"]["page"]
    readonly schedule: Effect.Effect<Schedule, StoreUnavailable>
  }
>()("effex/rates/polling/Polls") {
  static readonly layer = Layer.effect(
    Polls,
    Effect.gen(function* () {
      const repo = yield* PollRepo
      const leader = yield* Leader

      const byId = Effect.fn("Polls.byId")(function* (id: PollId) {
        const found = yield* repo.byId(id)
        return Option.isSome(found) ? found.value : yield* new PollNotFound({ id })
      })

      const schedule = Effect.gen(function* () {
        const latest = yield* leader.latest(POLLER)
        return {
          leader: Option.map(latest, ({ takenAt, term }) => ({ term: Number(term), since: takenAt })),
          last: yield* repo.latestLed
        }
      })

      return Polls.of({ byId, page: repo.page, schedule })
    })
  ).pipe(Layer.provide(Leader.layer))
}

import { Context, DateTime, Effect, Layer, Option } from "effect"
import type { Statement } from "effect/sql"
import type {
  DecidedBy,
  DecisionDetails,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import type { Rate, RateId } from "../../domain/rates/Rate.ts"
import * as LeaderTerms from "../../platform/LeaderTerms.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { FencedPoll } from "../polling/PollRepo.ts"
import { RateRepo } from "../RateRepo.ts"
import * as QuarantineRows from "./QuarantineRows.ts"

const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const rates = yield* RateRepo
  const columns = sql.literal(QuarantineRows.COLUMNS)

  /** Ticks that are open for a decision. An operator may also overrule the automatic rejection of a repetition. */
  const undecided = (by: DecidedBy) =>
    by === "operator" ? sql`(status = 'pending' OR decided_by = 'repetition')` : sql`status = 'pending'`

  /** Assignments of a decision. */
  const decision = (
    status: QuarantineStatus,
    { by, principal }: DecisionDetails,
    at: Date,
    rateId: RateId | null
  ) => sql`
    status = ${status}, decided_at = ${at}::timestamptz, decided_by = ${by}, principal = ${principal}::text, rate_id = ${rateId}::uuid`

  /** Decides one tick, and returns its row if it was undecided. */
  const decideOne = (
    id: QuarantineId,
    by: DecidedBy,
    assignments: Statement.Fragment,
    fence: Statement.Fragment
  ) => sql`
    UPDATE quarantined_rate SET ${assignments} FROM (${fence}) AS fence
    WHERE id = ${id} AND ${undecided(by)} RETURNING id, streak_id`

  /** Decides the other pending ticks in the streak of the tick that the CTE `decided` returns. */
  const decideStreak = (decided: string, assignments: Statement.Fragment) => sql`
    UPDATE quarantined_rate AS same SET ${assignments} FROM ${sql.literal(decided)} AS decided_tick
    WHERE same.streak_id = decided_tick.streak_id AND same.id <> decided_tick.id AND same.status = 'pending'`

  const accept: QuarantineDecisionRepo["Service"]["accept"] = Effect.fn("QuarantineDecisionRepo.accept")(
    function* (id, details, poll) {
      const now = DateTime.toDateUtc(yield* DateTime.now)
      const [row] = yield* execute(sql<{ legs: string }>`
        SELECT ${columns}, legs::text AS legs FROM quarantined_rate WHERE id = ${id}`)
      if (row === undefined) return Option.none()
      const tick = yield* QuarantineRows.toTick(yield* QuarantineRows.toQuarantined(row), row.legs)
      const fence = LeaderTerms.fence(
        sql,
        Option.map(poll, ({ leadership }) => leadership)
      )
      const accepted = (rateId: RateId) => decision("accepted", details, now, rateId)
      return yield* rates.insertIf(
        tick,
        {
          admitted: (rateId) =>
            decideOne(
              id,
              details.by,
              sql`${accepted(rateId)}, decision_reason = ${details.reason}::text`,
              fence
            ),
          extraCtes: (rateId) => sql`, streak AS (${decideStreak("admitted", accepted(rateId))})`
        },
        poll
      )
    }
  )

  const reject: QuarantineDecisionRepo["Service"]["reject"] = Effect.fn("QuarantineDecisionRepo.reject")(
    function* (id, details) {
      const now = DateTime.toDateUtc(yield* DateTime.now)
      const rejected = decision("rejected", details, now, null)
      const rejectOne = decideOne(
        id,
        details.by,
        sql`${rejected}, decision_reason = ${details.reason}::text`,
        sql`SELECT 1`
      )
      const decided = yield* execute(sql`
        WITH decided AS (${rejectOne}), streak AS (${decideStreak("decided", rejected)}) SELECT id FROM decided`)
      return decided.length > 0
    }
  )

  return QuarantineDecisionRepo.of({ accept, reject })
})

/** Decisions on quarantined ticks in PostgreSQL. Each tick is decided once. */
export class QuarantineDecisionRepo extends Context.Service<
  QuarantineDecisionRepo,
  {
    /**
     * Stores a quarantined tick as a rate, and accepts it and the pending ticks of its streak, in one statement. Returns
     * none if there is no such tick, or it is already decided.
     */
    readonly accept: (
      id: QuarantineId,
      details: DecisionDetails,
      poll: Option.Option<FencedPoll>
    ) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** Rejects a tick and the pending ticks of its streak. Returns false where {@link accept} returns none. */
    readonly reject: (id: QuarantineId, details: DecisionDetails) => Effect.Effect<boolean, StoreUnavailable>
  }
>()("effex/rates/guard/QuarantineDecisionRepo") {
  static readonly layer = Layer.effect(QuarantineDecisionRepo, make)
}

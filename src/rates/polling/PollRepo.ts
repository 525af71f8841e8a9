import { Array, Context, DateTime, Effect, Layer, Option, Result, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as CurrencyPair from "../../domain/money/CurrencyPair.ts"
import {
  type PollDetails,
  PollId,
  type PollRecord,
  type PollRun,
  PollStatus,
  PollTrigger
} from "../../domain/rates/PollRun.ts"
import { isLocked } from "../../platform/postgres/AdvisoryLock.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as Leader from "../../platform/Leader.ts"

/** A poll that is under way, by whoever leads. */
export interface LedPoll {
  readonly id: PollId
  readonly leadership: Leader.LeaderTerm
}

/** Why a poll is made, and in whose term or at whose wish. */
export type Occasion =
  | { readonly trigger: "schedule"; readonly leadership: Leader.LeaderTerm }
  | { readonly trigger: "demand"; readonly requestedBy: string }
  | { readonly trigger: "command-line" }

/** The term that a poll is in, where it is in one. */
export const leadershipOf = (occasion: Occasion): Option.Option<Leader.LeaderTerm> =>
  occasion.trigger === "schedule" ? Option.some(occasion.leadership) : Option.none()

/** By this name, `Database.exclusively` lets one poll run at a time. */
export const LOCK = "poll"

/** The record of polls in Postgres. What a leader writes is refused when its term is over. */
export class PollRepo extends Context.Service<
  PollRepo,
  {
    /** Records that a poll has begun, and returns its id. */
    readonly begin: (
      startedAt: DateTime.Utc,
      pairs: number,
      occasion: Occasion
    ) => Effect.Effect<PollId, StoreUnavailable | Leader.Superseded>
    /** Records how it ended, with its failures. */
    readonly finish: (
      run: PollRun,
      leadership: Option.Option<Leader.LeaderTerm>
    ) => Effect.Effect<void, StoreUnavailable | Leader.Superseded>
    readonly byId: (id: PollId) => Effect.Effect<Option.Option<PollDetails>, StoreUnavailable>
    /** At most `limit` polls that began before another one, newest first. */
    readonly page: (
      before: PollId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<PollRecord>, StoreUnavailable>
    /** The poll that is under way. */
    readonly running: Effect.Effect<Option.Option<PollRecord>, StoreUnavailable>
    /** The latest poll of whoever leads. */
    readonly latestLed: Effect.Effect<Option.Option<PollRecord>, StoreUnavailable>
  }
>()("effex/rates/polling/PollRepo") {
  static readonly layer = Layer.effect(
    PollRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const begin: PollRepo["Service"]["begin"] = Effect.fn("PollRepo.begin")(
        function* (startedAt, pairs, occasion) {
          const id = PollId.make(yield* random.uuidV7())
          const leadership = leadershipOf(occasion)
          const term = Option.getOrNull(Option.map(leadership, ({ term }) => term))
          const requestedBy = occasion.trigger === "demand" ? occasion.requestedBy : null
          const began = yield* execute(sql`
            WITH fence AS (${Leader.fence(sql, leadership)})
            INSERT INTO poll_run (id, started_at, pairs, term, requested_by)
            SELECT ${id}::uuid, ${DateTime.toDateUtc(startedAt)}::timestamptz, ${pairs}::int, ${term}::bigint,
              ${requestedBy}::text
            FROM fence
            RETURNING id`)
          yield* Leader.failIfSuperseded(began, leadership)
          return id
        }
      )

      const finish: PollRepo["Service"]["finish"] = Effect.fn("PollRepo.finish")(function* (run, leadership) {
        const failures = run.failures.map(({ detail, pair, reason }) => ({
          pollRunId: run.id,
          sourceCurrency: pair.from,
          destinationCurrency: pair.to,
          reason,
          detail
        }))
        const finished = yield* execute(
          sql.withTransaction(
            Effect.gen(function* () {
              const updated = yield* sql`
                WITH fence AS (${Leader.fence(sql, leadership)})
                UPDATE poll_run SET finished_at = ${DateTime.toDateUtc(run.finishedAt)},
                  succeeded = ${run.pairs - failures.length}, failed = ${failures.length}
                FROM fence WHERE id = ${run.id} RETURNING id`
              if (updated.length > 0 && Array.isArrayNonEmpty(failures))
                yield* sql`INSERT INTO poll_failure ${sql.insert(failures)}`
              return updated
            })
          )
        )
        yield* Leader.failIfSuperseded(finished, leadership)
      })

      // Polls never overlap: one that has not ended is under way only where none has begun since, and the lock is held.
      const columns = sql`
        id, trigger, requested_by, term::int, started_at, finished_at, pairs, succeeded, failed,
        CASE
          WHEN finished_at IS NOT NULL THEN 'finished'
          WHEN number = (SELECT max(number) FROM poll_run) AND ${isLocked(sql, LOCK)} THEN 'running'
          ELSE 'interrupted'
        END AS status`

      const page = Effect.fn("PollRepo.page")(function* (before: PollId | undefined, limit: number) {
        const where =
          before === undefined ? sql`true` : sql`number < (SELECT number FROM poll_run WHERE id = ${before})`
        const rows = yield* execute(sql`
          SELECT ${columns} FROM poll_run WHERE ${where} ORDER BY number DESC LIMIT ${limit}`)
        return yield* Effect.orDie(decodeRecords(rows))
      })

      const byId = Effect.fn("PollRepo.byId")(function* (id: PollId) {
        const [record] = yield* Effect.orDie(
          decodeRecords(yield* execute(sql`SELECT ${columns} FROM poll_run WHERE id = ${id}`))
        )
        if (record === undefined) return Option.none()
        const rows = yield* execute(sql<FailureRow>`
          SELECT source_currency, destination_currency, reason, detail FROM poll_failure
          WHERE poll_run_id = ${id} ORDER BY source_currency, destination_currency`)
        return Option.some({ ...record, failures: rows.map(toFailure) })
      })

      const running = Effect.map(page(undefined, 1), (polls) =>
        Option.filter(Array.head(polls), ({ status }) => status === "running")
      )

      const latestLed = execute(sql`
        SELECT ${columns} FROM poll_run WHERE trigger = 'schedule' ORDER BY number DESC LIMIT 1`).pipe(
        Effect.flatMap((rows) => Effect.orDie(decodeRecords(rows))),
        Effect.map(Array.head)
      )

      return PollRepo.of({ begin, finish, byId, page, running, latestLed })
    })
  )
}

interface FailureRow {
  readonly sourceCurrency: string
  readonly destinationCurrency: string
  readonly reason: string
  readonly detail: string
}

const toFailure = ({ destinationCurrency, detail, reason, sourceCurrency }: FailureRow) => ({
  pair: Result.getOrThrow(CurrencyPair.fromCodes(sourceCurrency, destinationCurrency)),
  reason,
  detail
})

const Whole = Schema.NullOr(Schema.Int)

const decodeRecords = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: PollId,
      status: PollStatus,
      trigger: PollTrigger,
      requestedBy: Schema.NullOr(Schema.String),
      term: Whole,
      startedAt: Schema.DateTimeUtcFromDate,
      finishedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
      pairs: Schema.Int,
      succeeded: Whole,
      failed: Whole
    })
  )
)

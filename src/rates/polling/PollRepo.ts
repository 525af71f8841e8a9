import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError, Statement } from "effect/sql"
import { AssetCode } from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import {
  PairSet,
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
import * as LeaderTerms from "../../platform/LeaderTerms.ts"

/** A running poll of a leader. Its term fences the writes: they fail once a newer term has started. */
export interface FencedPoll {
  readonly id: PollId
  readonly leadership: LeaderTerms.LeaderTerm
}

/** Trigger of a poll, with its leader term or requester. */
export type PollCause =
  | { readonly trigger: "schedule"; readonly leadership: LeaderTerms.LeaderTerm }
  | {
      readonly trigger: "demand"
      readonly requestedBy: string
      /** Runs in the transaction that records the start. */
      readonly record?: (id: PollId) => Effect.Effect<void, SqlError.SqlError>
    }
  | { readonly trigger: "command-line" }

/** Leader term of a poll; only scheduled polls have one. */
export const termOf = (cause: PollCause): Option.Option<LeaderTerms.LeaderTerm> =>
  cause.trigger === "schedule" ? Option.some(cause.leadership) : Option.none()

/** Names of the locks that let one poll of a set run at a time. */
export const POLL_LOCKS: Readonly<Record<PairSet, string>> = { currencies: "poll", prices: "price-poll" }

/** Polls in PostgreSQL. Writes of a leader fail after its term has ended. */
export class PollRepo extends Context.Service<
  PollRepo,
  {
    /** Records the start of a poll, of currencies by default, and returns its id. */
    readonly start: (
      startedAt: DateTime.Utc,
      pairs: number,
      cause: PollCause,
      pairSet?: PairSet
    ) => Effect.Effect<PollId, StoreUnavailable | LeaderTerms.Superseded>
    /** Records the end of a poll, with its failures. */
    readonly finish: (
      run: PollRun,
      leadership: Option.Option<LeaderTerms.LeaderTerm>
    ) => Effect.Effect<void, StoreUnavailable | LeaderTerms.Superseded>
    readonly byId: (id: PollId) => Effect.Effect<Option.Option<PollDetails>, StoreUnavailable>
    /** Returns at most `limit` polls that started before another one, newest first. */
    readonly page: (
      before: PollId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<PollRecord>, StoreUnavailable>
    /** The poll of currencies in progress. */
    readonly running: Effect.Effect<Option.Option<PollRecord>, StoreUnavailable>
    /** The latest scheduled poll of currencies. */
    readonly latestScheduled: Effect.Effect<Option.Option<PollRecord>, StoreUnavailable>
  }
>()("effex/rates/polling/PollRepo") {
  static readonly layer = Layer.effect(
    PollRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const start: PollRepo["Service"]["start"] = Effect.fn("PollRepo.start")(function* (
        startedAt,
        pairs,
        cause,
        pairSet = "currencies"
      ) {
        const id = PollId.make(yield* random.uuidV7())
        const leadership = termOf(cause)
        const term = Option.getOrNull(Option.map(leadership, ({ term }) => term))
        const requestedBy = cause.trigger === "demand" ? cause.requestedBy : null
        const insert = sql`
            WITH fence AS (${LeaderTerms.fence(sql, leadership)})
            INSERT INTO poll_run (id, started_at, pairs, pair_set, term, requested_by)
            SELECT ${id}::uuid, ${DateTime.toDateUtc(startedAt)}::timestamptz, ${pairs}::int, ${pairSet}::text,
              ${term}::bigint, ${requestedBy}::text
            FROM fence
            RETURNING id`
        const record = cause.trigger === "demand" ? cause.record : undefined
        const inserted = yield* execute(
          record === undefined ? insert : sql.withTransaction(Effect.tap(insert, record(id)))
        )
        yield* LeaderTerms.failIfSuperseded(inserted, leadership)
        return id
      })

      const finish: PollRepo["Service"]["finish"] = Effect.fn("PollRepo.finish")(function* (run, leadership) {
        const failures = run.failures.map(({ detail, pair, reason }) => ({
          pollRunId: run.id,
          sourceCurrency: pair.from,
          destinationCurrency: pair.to,
          reason,
          detail
        }))
        const written = yield* execute(
          sql.withTransaction(
            Effect.gen(function* () {
              const updated = yield* sql`
                WITH fence AS (${LeaderTerms.fence(sql, leadership)})
                UPDATE poll_run SET finished_at = ${DateTime.toDateUtc(run.finishedAt)},
                  succeeded = ${run.pairs - failures.length}, failed = ${failures.length}
                FROM fence WHERE id = ${run.id} RETURNING id`
              if (updated.length > 0 && Array.isArrayNonEmpty(failures))
                yield* sql`INSERT INTO poll_failure ${sql.insert(failures)}`
              return updated
            })
          )
        )
        yield* LeaderTerms.failIfSuperseded(written, leadership)
      })

      // Polls of a set never overlap: an unfinished poll is running only if it is the latest and the lock is held.
      const isUnderWay = sql`
        number = (SELECT max(latest.number) FROM poll_run AS latest WHERE latest.pair_set = poll_run.pair_set)
          AND CASE pair_set
            WHEN 'prices' THEN ${isLocked(sql, POLL_LOCKS.prices)}
            ELSE ${isLocked(sql, POLL_LOCKS.currencies)}
          END`
      const columns = sql`
        id, trigger, pair_set, requested_by, term::int, started_at, finished_at, pairs, succeeded, failed,
        CASE
          WHEN finished_at IS NOT NULL THEN 'finished'
          WHEN ${isUnderWay} THEN 'running'
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

      const latestWhere = (condition: Statement.Fragment) =>
        execute(sql`
          SELECT ${columns} FROM poll_run WHERE pair_set = 'currencies' AND ${condition}
          ORDER BY number DESC LIMIT 1`).pipe(
          Effect.flatMap((rows) => Effect.orDie(decodeRecords(rows))),
          Effect.map(Array.head)
        )

      const running = Effect.map(
        latestWhere(sql`true`),
        Option.filter(({ status }) => status === "running")
      )
      const latestScheduled = latestWhere(sql`trigger = 'schedule'`)

      return PollRepo.of({ start, finish, byId, page, running, latestScheduled })
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
  pair: new AssetPair({ from: AssetCode.make(sourceCurrency), to: AssetCode.make(destinationCurrency) }),
  reason,
  detail
})

const OptionalInt = Schema.NullOr(Schema.Int)

const decodeRecords = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      id: PollId,
      status: PollStatus,
      trigger: PollTrigger,
      pairSet: PairSet,
      requestedBy: Schema.NullOr(Schema.String),
      term: OptionalInt,
      startedAt: Schema.DateTimeUtcFromDate,
      finishedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
      pairs: Schema.Int,
      succeeded: OptionalInt,
      failed: OptionalInt
    })
  )
)

import { Context, DateTime, Effect, Layer, Metric, Option, Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import * as ClusterMetrics from "./metrics/ClusterMetrics.ts"
import { Database } from "./postgres/Database.ts"
import type { StoreUnavailable } from "./postgres/StoreUnavailable.ts"

/** A term of leadership. Each task has one current term. */
export interface LeaderTerm {
  /** Name of the task, such as `poller`. */
  readonly name: string
  /** Fencing token: each new term has a higher number. */
  readonly term: bigint
}

/** A newer term has started. This write was rejected, and all further writes of this term will be. */
export class Superseded extends Schema.TaggedError<Superseded>()("Superseded", {
  name: Schema.String,
  term: Schema.BigInt
}) {
  override get message(): string {
    return `Term ${this.term} of the ${this.name} has ended: another process is the leader now`
  }
}

/**
 * Terms of leadership. The cluster elects one leader; a term fences writes, so that a former leader that was paused and
 * does not know of its successor cannot write when it resumes.
 */
export class LeaderTerms extends Context.Service<
  LeaderTerms,
  {
    /** Starts a new term, which ends the previous one. */
    readonly startTerm: (name: string) => Effect.Effect<LeaderTerm, StoreUnavailable>
    /** Returns the latest term and its start; none before the first. Its leader may have stopped since. */
    readonly latestTerm: (
      name: string
    ) => Effect.Effect<Option.Option<LeaderTerm & { readonly startedAt: DateTime.Utc }>, StoreUnavailable>
  }
>()("effex/platform/LeaderTerms") {
  static readonly layer = Layer.effect(
    LeaderTerms,
    Effect.gen(function* () {
      const { execute, sql } = yield* Database

      const startTerm = Effect.fn("LeaderTerms.startTerm")(function* (name: string) {
        const startedAt = DateTime.toDateUtc(yield* DateTime.now)
        const [row] = yield* execute(sql<{ term: bigint }>`
          INSERT INTO leader (name, term, taken_at) VALUES (${name}, 1, ${startedAt})
          ON CONFLICT (name) DO UPDATE SET term = leader.term + 1, taken_at = excluded.taken_at
          RETURNING term`)
        if (row === undefined) return yield* Effect.die(`Starting a term of ${name} returned no row`)
        yield* Metric.update(ClusterMetrics.leaderTerm.of({ task: name }), Number(row.term))
        return { name, term: row.term }
      })

      const latestTerm = Effect.fn("LeaderTerms.latestTerm")(function* (name: string) {
        const [row] = yield* execute(
          sql<{ term: bigint; takenAt: Date }>`SELECT term, taken_at FROM leader WHERE name = ${name}`
        )
        return row === undefined
          ? Option.none()
          : Option.some({ name, term: row.term, startedAt: DateTime.fromDateUnsafe(row.takenAt) })
      })

      return LeaderTerms.of({ startTerm, latestTerm })
    })
  )
}

/**
 * SQL that returns one row while the term is current and none afterwards; always one row without a term. As a part of
 * the writing statement, its row lock delays a new term until the write is committed.
 */
export const fence = (sql: SqlClient.SqlClient, leadership: Option.Option<LeaderTerm>): Statement.Fragment =>
  Option.match(leadership, {
    onNone: () => sql`SELECT 1`,
    onSome: ({ name, term }) => sql`SELECT 1 FROM leader WHERE name = ${name} AND term = ${term} FOR SHARE`
  })

/** Fails when a statement with a {@link fence} wrote no row. */
export const failIfSuperseded = (
  written: ReadonlyArray<unknown>,
  leadership: Option.Option<LeaderTerm>
): Effect.Effect<void, Superseded> =>
  Option.isSome(leadership) && written.length === 0
    ? Effect.fail(new Superseded(leadership.value))
    : Effect.void

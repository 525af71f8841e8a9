import { Context, DateTime, Effect, Layer, Metric, Option, Schema } from "effect"
import type { SqlClient, Statement } from "effect/sql"
import { Database, type StoreUnavailable } from "./postgres/Database.ts"
import * as Metrics from "./telemetry/Metrics.ts"

/** A turn at leading, of which there is one at a time for each name. */
export interface Leadership {
  /** What is led, such as `poller`. */
  readonly name: string
  /** Grows with each turn, so that whoever leads can be told from whoever led before. */
  readonly term: bigint
}

/** Another process has begun to lead: nothing was written, and nothing more may be written in this term. */
export class Superseded extends Schema.TaggedError<Superseded>()("Superseded", {
  name: Schema.String,
  term: Schema.BigInt
}) {
  override get message(): string {
    return `Term ${this.term} of the ${this.name} is over: another process leads now`
  }
}

/**
 * Terms of leadership. That one process leads is for others to see to; a term makes sure that one which was stopped,
 * and does not know that it no longer leads, can write nothing when it wakes up.
 */
export class Leader extends Context.Service<
  Leader,
  {
    /** Begins a new term, which ends the one before. */
    readonly take: (name: string) => Effect.Effect<Leadership, StoreUnavailable>
    /** The latest term, which may be that of a process that is gone, and when it began; none before the first. */
    readonly latest: (
      name: string
    ) => Effect.Effect<Option.Option<Leadership & { readonly takenAt: DateTime.Utc }>, StoreUnavailable>
  }
>()("effex/platform/Leader") {
  static readonly layer = Layer.effect(
    Leader,
    Effect.gen(function* () {
      const { sql, within } = yield* Database

      const take = Effect.fn("Leader.take")(function* (name: string) {
        const takenAt = DateTime.toDateUtc(yield* DateTime.now)
        const [taken] = yield* within(sql<{ term: bigint }>`
          INSERT INTO leader (name, term, taken_at) VALUES (${name}, 1, ${takenAt})
          ON CONFLICT (name) DO UPDATE SET term = leader.term + 1, taken_at = excluded.taken_at
          RETURNING term`)
        if (taken === undefined) return yield* Effect.die(`${name} has no term`)
        yield* Metric.update(Metrics.term.of({ task: name }), Number(taken.term))
        return { name, term: taken.term }
      })

      const latest = Effect.fn("Leader.latest")(function* (name: string) {
        const [row] = yield* within(
          sql<{ term: bigint; takenAt: Date }>`SELECT term, taken_at FROM leader WHERE name = ${name}`
        )
        return row === undefined
          ? Option.none()
          : Option.some({ name, term: row.term, takenAt: DateTime.fromDateUnsafe(row.takenAt) })
      })

      return Leader.of({ take, latest })
    })
  )
}

/**
 * A query with one row while the term lasts and none afterwards, and always one for what nobody leads. It stands in the
 * statement that writes, and holds off a new term until that is committed.
 */
export const fence = (sql: SqlClient.SqlClient, leadership: Option.Option<Leadership>): Statement.Fragment =>
  Option.match(leadership, {
    onNone: () => sql`SELECT 1`,
    onSome: ({ name, term }) => sql`SELECT 1 FROM leader WHERE name = ${name} AND term = ${term} FOR SHARE`
  })

/** Fails where a {@link fence} let nothing through. */
export const unlessRefused = (
  written: ReadonlyArray<unknown>,
  leadership: Option.Option<Leadership>
): Effect.Effect<void, Superseded> =>
  Option.isSome(leadership) && written.length === 0
    ? Effect.fail(new Superseded(leadership.value))
    : Effect.void

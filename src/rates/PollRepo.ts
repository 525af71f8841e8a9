import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { PollRun } from "../domain/PollRun.ts"
import { Database, type StoreUnavailable } from "../platform/Database.ts"
import * as Leader from "../platform/Leader.ts"

/** A poll that is under way, by whoever leads. */
export interface LedPoll {
  readonly id: string
  readonly leadership: Leader.Leadership
}

/** The record of polls in Postgres. What a leader writes is refused when its term is over. */
export class PollRepo extends Context.Service<
  PollRepo,
  {
    /** Records that a poll has begun, and returns its id. */
    readonly begin: (
      startedAt: DateTime.Utc,
      pairs: number,
      leadership: Option.Option<Leader.Leadership>
    ) => Effect.Effect<string, StoreUnavailable | Leader.Superseded>
    /** Records how it ended, with its failures. */
    readonly finish: (
      run: PollRun,
      leadership: Option.Option<Leader.Leadership>
    ) => Effect.Effect<void, StoreUnavailable | Leader.Superseded>
  }
>()("effex/rates/PollRepo") {
  static readonly layer = Layer.effect(
    PollRepo,
    Effect.gen(function* () {
      const { sql, within } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const begin: PollRepo["Service"]["begin"] = Effect.fn("PollRepo.begin")(
        function* (startedAt, pairs, leadership) {
          const id = yield* random.uuidV7()
          const term = Option.getOrNull(Option.map(leadership, ({ term }) => term))
          const began = yield* within(sql`
            WITH fence AS (${Leader.fence(sql, leadership)})
            INSERT INTO poll_run (id, started_at, pairs, term)
            SELECT ${id}::uuid, ${DateTime.toDateUtc(startedAt)}::timestamptz, ${pairs}::int, ${term}::bigint FROM fence
            RETURNING id`)
          yield* Leader.unlessRefused(began, leadership)
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
        const finished = yield* within(
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
        yield* Leader.unlessRefused(finished, leadership)
      })

      return PollRepo.of({ begin, finish })
    })
  )
}

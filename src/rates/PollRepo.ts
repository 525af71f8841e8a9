import { Array, Context, DateTime, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import type { PollRun } from "../domain/PollRun.ts"
import { Database, type StoreUnavailable } from "../platform/Database.ts"

/** The record of polls in Postgres. */
export class PollRepo extends Context.Service<
  PollRepo,
  {
    /** Records that a poll has begun, and returns its id. */
    readonly begin: (startedAt: DateTime.Utc, pairs: number) => Effect.Effect<string, StoreUnavailable>
    /** Records how it ended, with its failures. */
    readonly finish: (run: PollRun) => Effect.Effect<void, StoreUnavailable>
  }
>()("effex/rates/PollRepo") {
  static readonly layer = Layer.effect(
    PollRepo,
    Effect.gen(function* () {
      const { sql, within } = yield* Database
      const random = yield* SecureRandom.SecureRandom

      const begin = Effect.fn("PollRepo.begin")(function* (startedAt: DateTime.Utc, pairs: number) {
        const id = yield* random.uuidV7()
        yield* within(sql`
          INSERT INTO poll_run (id, started_at, pairs) VALUES (${id}, ${DateTime.toDateUtc(startedAt)}, ${pairs})`)
        return id
      })

      const finish = Effect.fn("PollRepo.finish")(function* (run: PollRun) {
        const failures = run.failures.map(({ detail, pair, reason }) => ({
          pollRunId: run.id,
          sourceCurrency: pair.from,
          destinationCurrency: pair.to,
          reason,
          detail
        }))
        yield* within(
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`
                UPDATE poll_run SET finished_at = ${DateTime.toDateUtc(run.finishedAt)},
                  succeeded = ${run.pairs - failures.length}, failed = ${failures.length}
                WHERE id = ${run.id}`
              if (Array.isArrayNonEmpty(failures))
                yield* sql`INSERT INTO poll_failure ${sql.insert(failures)}`
            })
          )
        )
      })

      return PollRepo.of({ begin, finish })
    })
  )
}

import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { Quote, QuoteId } from "../domain/conversion/Quote.ts"
import { Database } from "../platform/postgres/Database.ts"
import { isForeignKeyViolation } from "../platform/postgres/SqlFailures.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as QuoteRows from "./QuoteRows.ts"

/** Quotes in PostgreSQL. Immutable except for `used_by`, which the audit sets when a conversion uses the quote. */
export class QuoteRepo extends Context.Service<
  QuoteRepo,
  {
    /** Returns false if the database does not contain the rate of the quote. */
    readonly insert: (quote: Quote) => Effect.Effect<boolean, StoreUnavailable>
    readonly byId: (id: QuoteId) => Effect.Effect<Option.Option<Quote>, StoreUnavailable>
  }
>()("effex/conversion/QuoteRepo") {
  static readonly layer = Layer.effect(
    QuoteRepo,
    Effect.gen(function* () {
      const { sql, execute, tryExecute } = yield* Database

      const insert = Effect.fn("QuoteRepo.insert")(function* (quote: Quote) {
        const row = {
          ...QuoteRows.fromPriced(quote.priced),
          id: quote.id,
          owner: quote.owner,
          created_at: DateTime.toDateUtc(quote.createdAt),
          expires_at: DateTime.toDateUtc(quote.expiresAt)
        }
        return yield* tryExecute(sql`INSERT INTO quote ${sql.insert(row)}`).pipe(
          Effect.as(true),
          Effect.catchTag("SqlError", (error) =>
            isForeignKeyViolation(error) ? Effect.succeed(false) : Effect.die(error)
          )
        )
      })

      const byId = Effect.fn("QuoteRepo.byId")(function* (id: QuoteId) {
        const rows = yield* execute(sql`
          SELECT ${sql.literal(QuoteRows.COLUMNS)} FROM quote WHERE id = ${id}`)
        return Array.head(yield* Effect.forEach(rows, QuoteRows.toQuote))
      })

      return QuoteRepo.of({ insert, byId })
    })
  )
}

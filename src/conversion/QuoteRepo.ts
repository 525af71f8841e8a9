import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { Quote, QuoteId } from "../domain/conversion/Quote.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as QuoteRows from "./QuoteRows.ts"

/** Quotes in PostgreSQL. Immutable except for `used_by`, which the audit sets when a conversion uses the quote. */
export class QuoteRepo extends Context.Service<
  QuoteRepo,
  {
    readonly insert: (quote: Quote) => Effect.Effect<void, StoreUnavailable>
    readonly byId: (id: QuoteId) => Effect.Effect<Option.Option<Quote>, StoreUnavailable>
  }
>()("effex/conversion/QuoteRepo") {
  static readonly layer = Layer.effect(
    QuoteRepo,
    Effect.gen(function* () {
      const { sql, execute } = yield* Database

      const insert = Effect.fn("QuoteRepo.insert")(function* (quote: Quote) {
        const row = {
          ...QuoteRows.fromPriced(quote.priced),
          id: quote.id,
          created_at: DateTime.toDateUtc(quote.createdAt),
          expires_at: DateTime.toDateUtc(quote.expiresAt)
        }
        yield* execute(sql`INSERT INTO quote ${sql.insert(row)}`)
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

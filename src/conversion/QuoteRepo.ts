import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { Quote, QuoteId } from "../domain/conversion/AuditRecord.ts"
import { Database, type StoreUnavailable } from "../platform/postgres/Database.ts"
import * as ConversionRows from "./ConversionRows.ts"

/** Quotes in Postgres. Only their use is ever written to them, by the conversion that uses them. */
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
      const { sql, within } = yield* Database

      const insert = Effect.fn("QuoteRepo.insert")(function* (quote: Quote) {
        const row = {
          ...ConversionRows.fromPriced(quote.priced),
          id: quote.id,
          created_at: DateTime.toDateUtc(quote.createdAt),
          expires_at: DateTime.toDateUtc(quote.expiresAt)
        }
        yield* within(sql`INSERT INTO quote ${sql.insert(row)}`)
      })

      const byId = Effect.fn("QuoteRepo.byId")(function* (id: QuoteId) {
        const rows = yield* within(sql`
          SELECT ${sql.literal(ConversionRows.QUOTE_COLUMNS)} FROM quote WHERE id = ${id}`)
        return Array.head(yield* Effect.forEach(rows, ConversionRows.toQuote))
      })

      return QuoteRepo.of({ insert, byId })
    })
  )
}

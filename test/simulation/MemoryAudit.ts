import { DateTime, Effect, Layer, Option } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import type { AuditRecord, Quote } from "../../src/domain/conversion/AuditRecord.ts"
import { AuditRepo, type Append, type Appended } from "../../src/audit/AuditRepo.ts"
import { QuoteRepo } from "../../src/conversion/QuoteRepo.ts"
import { StoreUnavailable } from "../../src/platform/postgres/Database.ts"

/**
 * What becomes of a statement: it is done and answered, at once or late; not done; done and nobody told; or it reads
 * what is there, and writes when others have written too.
 */
export type StoreMood = "well" | "slow" | "gone" | "mute" | "racing"

const SLOW = "300 millis"

/** The tables of conversions in memory, which outlive the processes that use them. */
export const make = () => {
  const records: Array<AuditRecord> = []
  const answers = new Map<string, { readonly answer: string; readonly requestHash: string }>()
  const quotes = new Map<string, Quote>()
  let mood: StoreMood = "well"

  const unavailable = Effect.suspend(() => Effect.fail(new StoreUnavailable({ cause: mood })))
  const within = <A, E>(statement: Effect.Effect<A, E>): Effect.Effect<A, E | StoreUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | StoreUnavailable> => {
      if (mood === "well" || mood === "racing") return statement
      if (mood === "slow") return Effect.delay(statement, SLOW)
      return mood === "gone" ? unavailable : Effect.andThen(statement, unavailable)
    })

  const nameOf = ({ key, principal, route }: { key: string; principal: string; route: string }) =>
    JSON.stringify([principal, route, key])

  /** What a statement would do with one record, by what it has read. */
  const outcomeOf = ({ idempotency, record }: Append): Appended => {
    const known = idempotency === undefined ? undefined : answers.get(nameOf(idempotency))
    if (known !== undefined) return { _tag: "Known", ...known }
    const quote = record.quote_id === null ? undefined : quotes.get(record.quote_id)
    const isLost =
      quote !== undefined &&
      (quote.usedBy !== null ||
        !DateTime.isGreaterThan(quote.expiresAt, DateTime.makeUnsafe(record.converted_at)))
    return { _tag: isLost ? "QuoteLost" : "Committed" }
  }

  /** All of it, or nothing where a key has come in meanwhile. */
  const commit = (appends: ReadonlyArray<Append>, outcomes: ReadonlyArray<Appended>) =>
    Effect.suspend(() => {
      const committed = appends.filter((_, i) => outcomes[i]?._tag === "Committed")
      const names = committed.flatMap(({ idempotency }) =>
        idempotency === undefined ? [] : nameOf(idempotency)
      )
      if (new Set(names).size < names.length || names.some((name) => answers.has(name))) {
        const cause = new Error("duplicate key value violates unique constraint")
        return Effect.fail(
          new SqlError({ reason: new UniqueViolation({ cause, constraint: "idempotency_pkey" }) })
        )
      }
      const used = new Set<string>()
      const final = outcomes.map((outcome, i): Appended => {
        const append = appends[i]
        if (outcome._tag !== "Committed" || append === undefined) return outcome
        const { idempotency, record } = append
        if (outcomeOf(append)._tag === "QuoteLost" || used.has(record.quote_id ?? ""))
          return { _tag: "QuoteLost" }
        const quote = record.quote_id === null ? undefined : quotes.get(record.quote_id)
        if (quote !== undefined) {
          used.add(quote.id)
          quotes.set(quote.id, { ...quote, usedBy: record.audit_id })
        }
        records.push(record)
        if (idempotency !== undefined) answers.set(nameOf(idempotency), idempotency)
        return outcome
      })
      return Effect.succeed(final)
    })

  const append: AuditRepo["Service"]["append"] = (appends) =>
    within(
      Effect.suspend(() => {
        const read = appends.map(outcomeOf)
        const write = commit(appends, read)
        return mood === "racing" ? Effect.delay(write, SLOW) : write
      })
    )

  const layer = Layer.mergeAll(
    Layer.mock(AuditRepo, {
      append,
      answerOf: (key) => within(Effect.sync(() => Option.fromUndefinedOr(answers.get(nameOf(key)))))
    }),
    Layer.mock(QuoteRepo, {
      insert: (quote) => within(Effect.sync(() => void quotes.set(quote.id, quote))),
      byId: (id) => within(Effect.sync(() => Option.fromUndefinedOr(quotes.get(id))))
    })
  )

  return {
    layer,
    records,
    be: (next: StoreMood) => {
      mood = next
    }
  }
}

export type MemoryAudit = ReturnType<typeof make>

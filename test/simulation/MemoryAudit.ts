import { DateTime, Effect, Layer, Option } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import type { AuditRecord } from "../../src/domain/conversion/AuditRecord.ts"
import type { Quote } from "../../src/domain/conversion/Quote.ts"
import type {
  AppendOutcome,
  AuditAppend,
  IdempotencyKey,
  StoredResponse
} from "../../src/audit/AuditAppend.ts"
import { AuditRepo } from "../../src/audit/AuditRepo.ts"
import { QuoteRepo } from "../../src/conversion/QuoteRepo.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"

/**
 * Behavior of the database. `healthy` and `slow` execute a statement and answer; `down` does not execute it; `lossy`
 * executes it but the answer is lost; `racing` delays the write after the read, so that others write in between.
 */
export type StoreMode = "healthy" | "slow" | "down" | "lossy" | "racing"

const DELAY = "300 millis"

/** Creates the tables of conversions in memory. They outlive the simulated processes. */
export const make = () => {
  const records: Array<AuditRecord> = []
  const responses = new Map<string, StoredResponse>()
  const quotes = new Map<string, Quote>()
  let mode: StoreMode = "healthy"

  const unavailable = Effect.suspend(() => Effect.fail(new StoreUnavailable({ cause: mode })))
  const within = <A, E>(statement: Effect.Effect<A, E>): Effect.Effect<A, E | StoreUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | StoreUnavailable> => {
      if (mode === "healthy" || mode === "racing") return statement
      if (mode === "slow") return Effect.delay(statement, DELAY)
      return mode === "down" ? unavailable : Effect.andThen(statement, unavailable)
    })

  const keyOf = ({ key, owner: [owner], route }: IdempotencyKey) => JSON.stringify([owner, route, key])

  /** Outcome of appending one record, given the current tables. */
  const outcomeOf = ({ idempotency, record }: AuditAppend): AppendOutcome => {
    const existing = idempotency === undefined ? undefined : responses.get(keyOf(idempotency))
    if (existing !== undefined) return { _tag: "DuplicateKey", ...existing }
    const quote = record.quote_id === null ? undefined : quotes.get(record.quote_id)
    const isLost =
      quote !== undefined &&
      (quote.usedBy !== null ||
        !DateTime.isGreaterThan(quote.expiresAt, DateTime.makeUnsafe(record.converted_at)))
    return { _tag: isLost ? "QuoteUnavailable" : "Committed" }
  }

  /** Commits all records, or none if a key was inserted since the read. */
  const commit = (appends: ReadonlyArray<AuditAppend>, outcomes: ReadonlyArray<AppendOutcome>) =>
    Effect.suspend(() => {
      const committed = appends.filter((_, i) => outcomes[i]?._tag === "Committed")
      const keys = committed.flatMap(({ idempotency }) =>
        idempotency === undefined ? [] : keyOf(idempotency)
      )
      if (new Set(keys).size < keys.length || keys.some((key) => responses.has(key))) {
        const cause = new Error("duplicate key value violates unique constraint")
        return Effect.fail(
          new SqlError({ reason: new UniqueViolation({ cause, constraint: "idempotency_pkey" }) })
        )
      }
      const used = new Set<string>()
      const final = outcomes.map((outcome, i): AppendOutcome => {
        const append = appends[i]
        if (outcome._tag !== "Committed" || append === undefined) return outcome
        const { idempotency, record } = append
        if (outcomeOf(append)._tag === "QuoteUnavailable" || used.has(record.quote_id ?? ""))
          return { _tag: "QuoteUnavailable" }
        const quote = record.quote_id === null ? undefined : quotes.get(record.quote_id)
        if (quote !== undefined) {
          used.add(quote.id)
          quotes.set(quote.id, { ...quote, usedBy: record.audit_id })
        }
        records.push(record)
        if (idempotency !== undefined) responses.set(keyOf(idempotency), idempotency)
        return outcome
      })
      return Effect.succeed(final)
    })

  const append: AuditRepo["Service"]["append"] = (appends) =>
    within(
      Effect.suspend(() => {
        const read = appends.map(outcomeOf)
        const write = commit(appends, read)
        return mode === "racing" ? Effect.delay(write, DELAY) : write
      })
    )

  const layer = Layer.mergeAll(
    Layer.mock(AuditRepo, {
      append,
      findResponse: (key) => within(Effect.sync(() => Option.fromUndefinedOr(responses.get(keyOf(key)))))
    }),
    Layer.mock(QuoteRepo, {
      insert: (quote) => within(Effect.sync(() => quotes.set(quote.id, quote) === quotes)),
      byId: (id) => within(Effect.sync(() => Option.fromUndefinedOr(quotes.get(id))))
    })
  )

  return {
    layer,
    records,
    setMode: (next: StoreMode) => {
      mode = next
    }
  }
}

export type MemoryAudit = ReturnType<typeof make>

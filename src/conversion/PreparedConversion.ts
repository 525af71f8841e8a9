import { Clock, DateTime, Effect, Exit } from "effect"
import type { AppendOutcome, AuditAppend, StoredResponse } from "../audit/AuditAppend.ts"
import { makeAuditRecord } from "../domain/conversion/AuditRecord.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import type { PricedConversion } from "../domain/conversion/PricedConversion.ts"
import type { QuoteId } from "../domain/conversion/Quote.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import * as CommittedConversion from "./CommittedConversion.ts"
import type * as Idempotency from "./Idempotency.ts"

/** A record to append, with the conversion to return once it is committed. */
export interface PreparedConversion extends AuditAppend {
  readonly priced: PricedConversion
  readonly conversion: CommittedConversion.CommittedConversion
}

/** Creates the functions that prepare conversions for the audit, and that count and return their outcomes. */
export const make = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()

  /** Prepares the record of a priced conversion, and its response for an idempotency key. */
  const prepare = (
    id: AuditId,
    quoteId: QuoteId | null,
    key: Idempotency.ConversionKey | undefined,
    priced: PricedConversion
  ): PreparedConversion => {
    // The rate may come from a node whose estimate of the database's time is ahead by some milliseconds.
    const convertedAt = DateTime.max(
      DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()),
      priced.rateFetchedAt
    )
    const record = makeAuditRecord(id, priced, quoteId, convertedAt)
    const conversion = CommittedConversion.fromRecord(record)
    return {
      priced,
      record,
      conversion,
      idempotency: key === undefined ? undefined : { ...key, response: JSON.stringify(conversion) }
    }
  }

  /** Returns the conversion of a stored response. Fails if another request is stored under the key. */
  const replay = (stored: StoredResponse, requestHash: string | undefined) => {
    if (stored.requestHash !== requestHash) return Exit.fail(new IdempotencyMismatch())
    ConversionMetrics.replays.updateUnsafe(1, context)
    return Exit.succeed(CommittedConversion.fromStoredJson(stored.response))
  }

  /** Returns the outcome of an append. */
  const toExit = (
    { conversion, idempotency }: PreparedConversion,
    outcome: Extract<AppendOutcome, { readonly _tag: "Committed" | "DuplicateKey" }>
  ) => {
    if (outcome._tag === "DuplicateKey") return replay(outcome, idempotency?.requestHash)
    ConversionMetrics.conversions.updateUnsafe(1, context)
    return Exit.succeed({ conversion, replayed: false, storedJson: idempotency?.response })
  }

  return { prepare, replay, toExit }
})

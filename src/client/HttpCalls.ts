import { DateTime, Effect, Option, Schema, Stream } from "effect"
import { type AssetMessage, AssetList } from "../api/assets/AssetMessage.ts"
import { AuditRecordMessage, HeadMessage, VerificationMessage } from "../api/conversion/ConversionMessage.ts"
import { QuoteResult } from "../api/conversion/ConversionResult.ts"
import { AsOfMessage, CandleMessage, HistoryRowMessage } from "../api/history/HistoryMessage.ts"
import { CurrencyMessage, RateRecordMessage } from "../api/rates/RateMessage.ts"
import type { AssetKind } from "../domain/money/Asset.ts"
import { fromPromise, type HttpFailure, invalidResponse } from "./HttpFailure.ts"
import * as Json from "./promise/Json.ts"
import { send, type ServerAccess } from "./promise/Requests.ts"
import type { AuditRecord, Candle, HistoryRate, Receipt, Verification } from "./promise/Values.ts"

export interface AsOfOptions {
  /** Returns the rate as it was known at this time, before later corrections. Default: now. */
  readonly knownAt?: DateTime.DateTime.Input | undefined
}

export interface HistoryOptions {
  /** Start of the range. Default: the first rate. */
  readonly start?: DateTime.DateTime.Input | undefined
  /** End of the range, exclusive. Default: now. */
  readonly end?: DateTime.DateTime.Input | undefined
}

/** Selects audit records. */
export interface AuditFilter {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly reference?: string | undefined
  /** Start of the range, inclusive. */
  readonly since?: DateTime.DateTime.Input | undefined
  /** End of the range, exclusive. */
  readonly until?: DateTime.DateTime.Input | undefined
  /**
   * Emits the sealed records after this position, oldest first. To follow the audit without missing a record, pass the
   * `position` of the last one that you have; 0 starts at the beginning.
   */
  readonly after?: number | undefined
}

/** Calls that are HTTP requests on every transport. They are retried like those of `effex-client`. */
export interface HttpCalls {
  /** Returns an immutable rate by its id, with the provider's response. */
  readonly rateById: (rateId: string) => Effect.Effect<typeof RateRecordMessage.Type, HttpFailure>
  /** Returns the rate that was in force at a time. */
  readonly rateAsOf: (
    from: string,
    to: string,
    at: DateTime.DateTime.Input,
    options?: AsOfOptions
  ) => Effect.Effect<AsOfMessage, HttpFailure>
  /** Emits the rates of a pair, oldest first; corrections are separate rows. */
  readonly history: (
    from: string,
    to: string,
    options?: HistoryOptions
  ) => Stream.Stream<HistoryRate, HttpFailure>
  /** Emits the candles of a pair, oldest first. */
  readonly candles: (
    from: string,
    to: string,
    interval: "1h" | "1d",
    options?: HistoryOptions
  ) => Stream.Stream<Candle, HttpFailure>
  /** Lists the supported currencies. */
  readonly currencies: Effect.Effect<ReadonlyArray<typeof CurrencyMessage.Type>, HttpFailure>
  /** Lists the assets that can be held and priced, or only those of one kind. */
  readonly assets: (kind?: AssetKind) => Effect.Effect<ReadonlyArray<AssetMessage>, HttpFailure>
  /** Returns a quote and its state. */
  readonly quote: (quoteId: string) => Effect.Effect<QuoteResult, HttpFailure>
  /** Emits the audit records of conversions, newest first, or in sealed order with `after`. */
  readonly conversions: (filter?: AuditFilter) => Stream.Stream<AuditRecord, HttpFailure>
  /** Returns the audit record of a conversion. */
  readonly conversion: (auditId: string) => Effect.Effect<AuditRecord, HttpFailure>
  /** Returns the proof that a conversion is in the audit. `verifyReceipt` of `effex-client` verifies it offline. */
  readonly receipt: (auditId: string) => Effect.Effect<Receipt, HttpFailure>
  /** Returns at most 1000 signed heads after a tree size, in order. */
  readonly auditHeads: (after?: number) => Effect.Effect<ReadonlyArray<typeof HeadMessage.Type>, HttpFailure>
  /** Recomputes the whole audit on the server. */
  readonly verifyAudit: Effect.Effect<Verification, HttpFailure>
}

type Query = Readonly<Record<string, string | undefined>>

/** Makes the calls. */
export const make = (access: ServerAccess): HttpCalls => {
  const { url } = access

  const get = <S extends Schema.Codec<unknown, unknown>>(
    schema: S,
    path: string,
    field: string,
    query: Query = {}
  ) =>
    Effect.tryPromise({
      try: (signal) => send(access, { path: `/api/v1${path}`, query }, field, { signal }),
      catch: fromPromise
    }).pipe(
      Effect.flatMap((json) =>
        Effect.catch(Schema.decodeEffect(schema)(json), (cause) => invalidResponse(url, cause))
      )
    )

  /** Emits the rows of all pages, in camelCase. */
  const list = <A>(row: Schema.Codec<unknown, unknown>, path: string, query: Query) => {
    const page = Schema.Struct({ data: Schema.Array(row), next: Schema.NullOr(Schema.String) })
    return Stream.paginate(undefined as string | undefined, (cursor) =>
      Effect.map(
        get(page, path, "data", { ...query, cursor }),
        ({ data, next }) => [Json.decode<ReadonlyArray<A>>(data), Option.fromNullOr(next)] as const
      )
    )
  }

  const range = ({ end, start }: HistoryOptions) => ({ start: timeOf(start), end: timeOf(end) })
  const recordPath = (auditId: string) => `/audit/conversions/${encodeURIComponent(auditId)}`

  return {
    rateById: (rateId) => get(RateRecordMessage, `/rates/${encodeURIComponent(rateId)}`, "rate_id"),
    rateAsOf: (from, to, at, { knownAt } = {}) =>
      get(AsOfMessage, "/rates/as-of", "rate_id", { from, to, at: timeOf(at), known_at: timeOf(knownAt) }),
    history: (from, to, options = {}) =>
      list<HistoryRate>(HistoryRowMessage, "/rates/history", { from, to, ...range(options) }),
    candles: (from, to, interval, options = {}) =>
      list<Candle>(CandleMessage, "/rates/history", { from, to, interval, ...range(options) }),
    currencies: Effect.map(
      get(Schema.Struct({ currencies: Schema.Array(CurrencyMessage) }), "/currencies", "currencies"),
      ({ currencies }) => currencies
    ),
    assets: (kind) => Effect.map(get(AssetList, "/assets", "assets", { kind }), ({ assets }) => assets),
    quote: (quoteId) => get(QuoteResult, `/quotes/${encodeURIComponent(quoteId)}`, "quote_id"),
    conversions: ({ after, from, reference, since, to, until } = {}) =>
      list<AuditRecord>(AuditRecordMessage, "/audit/conversions", {
        from,
        to,
        reference,
        since: timeOf(since),
        until: timeOf(until),
        after: after === undefined ? undefined : `${after}`
      }),
    conversion: (auditId) =>
      Effect.map(get(AuditRecordMessage, recordPath(auditId), "audit_id"), Json.decode<AuditRecord>),
    receipt: (auditId) => get(Verbatim, `${recordPath(auditId)}/receipt`, "proof"),
    auditHeads: (after = 0) =>
      Effect.map(
        get(Schema.Struct({ heads: Schema.Array(HeadMessage) }), "/audit/heads", "heads", {
          after: `${after}`
        }),
        ({ heads }) => heads
      ),
    verifyAudit: Effect.map(get(VerificationMessage, "/audit/verify", "ok"), Json.decode<Verification>)
  }
}

/** A receipt as the server sent it: its fields are hashed. */
const Verbatim = Schema.declare((value): value is Receipt => typeof value === "object")

const timeOf = (time: DateTime.DateTime.Input | undefined) =>
  time === undefined ? undefined : DateTime.formatIso(DateTime.makeUnsafe(time))

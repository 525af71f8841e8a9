import { sendOnce } from "../IdempotentRequests.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { AmountType, Conversion, Quote } from "../Values.ts"

/** The amount and currencies to convert. Currency codes are ISO 4217, in any case. */
export interface ConversionRequest {
  /** Decimal text in major units of `from`, or of `to` if `amountType` is `target`. */
  readonly amount: string
  readonly from: string
  readonly to: string
  /** Side that `amount` fixes: the amount paid (`source`, the default) or the amount received (`target`). */
  readonly amountType?: AmountType | undefined
  /** Your own reference, stored with the audit record. At most 100 characters. */
  readonly reference?: string | undefined
}

export interface ConvertRequest extends ConversionRequest {
  /** Id of the quote to use. The other fields must match the quote. */
  readonly quoteId?: string | undefined
  /**
   * Requests with the same key convert once, also from different processes. Default: a random key, which makes the
   * retries of this call safe. An error has the key as `idempotencyKey`.
   */
  readonly idempotencyKey?: string | undefined
}

export interface QuoteRequest extends ConversionRequest {
  /** Validity of the quote. Default: 30 seconds. Maximum: 1 hour. */
  readonly ttl?: Options.DurationInput | undefined
}

/** Calls that convert. */
export interface ConversionCalls {
  /** Converts an amount. The audit record is committed before the promise resolves. Retries are safe. */
  convert(request: ConvertRequest, options?: CallOptions): Promise<Conversion>
  /** Locks the rate and amounts of a conversion for `ttl`. */
  createQuote(request: QuoteRequest, options?: CallOptions): Promise<Quote>
  /** Returns a quote and its state. */
  quote(quoteId: string, options?: CallOptions): Promise<Quote>
}

const REQUEST_FIELDS = ["amount", "from", "to", "amountType", "reference"] as const

/** Makes the calls that convert. */
export const make = (access: ServerAccess): ConversionCalls => ({
  async convert(request, options = {}) {
    Options.requireKnown("convert", request, [...REQUEST_FIELDS, "quoteId", "idempotencyKey"])
    Options.requireKnown("convert", options, CALL_OPTIONS)
    const body = { ...bodyOf(request), quote_id: request.quoteId }
    const input = { path: "/api/v1/convert", body }
    return Json.decode<Conversion>(await sendOnce(access, input, request.idempotencyKey, "audit_id", options))
  },

  async createQuote(request, options = {}) {
    Options.requireKnown("createQuote", request, [...REQUEST_FIELDS, "ttl"])
    Options.requireKnown("createQuote", options, CALL_OPTIONS)
    const body = { ...bodyOf(request), ttl: Options.durationText("ttl", request.ttl) }
    const input = { path: "/api/v1/quotes", body, isUnsafe: true }
    return Json.decode<Quote>(await send(access, input, "quote_id", options))
  },

  async quote(quoteId, options = {}) {
    Options.requireKnown("quote", options, CALL_OPTIONS)
    const id = Options.pathId("quoteId", quoteId)
    return Json.decode<Quote>(await send(access, { path: `/api/v1/quotes/${id}` }, "quote_id", options))
  }
})

const bodyOf = ({ amount, amountType, from, reference, to }: ConversionRequest) => ({
  amount: Options.amount(amount),
  from_currency: Options.currency("from", from),
  to_currency: Options.currency("to", to),
  amount_type: Options.oneOf("amountType", amountType, ["source", "target"]),
  reference
})

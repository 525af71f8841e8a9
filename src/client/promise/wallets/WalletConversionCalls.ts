import { sendOnce } from "../IdempotentRequests.ts"
import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { ConversionRequest, ConvertRequest, QuoteRequest } from "../conversion/ConversionCalls.ts"
import type { Quote, Receipt } from "../Values.ts"
import type { RequestedConversion, ReviewedConversion, WalletConversion } from "./WalletValues.ts"

export interface WalletConvertRequest extends ConvertRequest {
  /** Maximum age of the rate. */
  readonly maxAge?: Options.DurationInput | undefined
}

/** Conversions between the balances of the user. */
export interface WalletConversionCalls {
  /**
   * Converts between two balances, at once or after a review. Rejects with `InsufficientFunds` if the wallet has less. Retries are
   * safe.
   */
  convert(request: WalletConvertRequest, options?: CallOptions): Promise<RequestedConversion>
  /** Locks the rate and amounts of a conversion for `ttl`. Holds no funds. */
  createQuote(request: QuoteRequest, options?: CallOptions): Promise<Quote>
  /** Returns a quote and its state. */
  quote(quoteId: string, options?: CallOptions): Promise<Quote>
  /** Returns a conversion of the wallet. */
  get(auditId: string, options?: CallOptions): Promise<WalletConversion>
  /** Returns the state of a conversion that is or was held for review, or of any other of the wallet. */
  state(conversionId: string, options?: CallOptions): Promise<ReviewedConversion>
  /** Cancels a conversion that is held for review, and gives its money back. */
  cancel(conversionId: string, options?: CallOptions): Promise<ReviewedConversion>
  /** Returns the proof that a conversion is in the audit. `verifyReceipt` verifies it offline. */
  receipt(auditId: string, options?: CallOptions): Promise<Receipt>
}

const WALLET = "/api/v1/accounts/wallet"
const REQUEST_FIELDS = ["amount", "from", "to", "amountType", "reference"] as const

/** Makes the calls of conversions in the wallet. */
export const make = (access: ServerAccess): WalletConversionCalls => {
  const get = (path: string, field: string, options: CallOptions) =>
    send(access, { path: `${WALLET}/${path}`, as: "user" }, field, options)
  const conversion = async (id: string, options: CallOptions) =>
    Json.decode<WalletConversion>(await get(`conversions/${id}`, "conversion", options))

  return {
    async convert(request, options = {}) {
      const allowed = [...REQUEST_FIELDS, "quoteId", "idempotencyKey", "maxAge"]
      Options.requireKnown("walletConversions.convert", request, allowed)
      Options.requireKnown("walletConversions.convert", options, CALL_OPTIONS)
      const body = {
        ...bodyOf(request),
        quote_id: request.quoteId,
        max_age: Options.durationText("maxAge", request.maxAge)
      }
      const input = { path: `${WALLET}/convert`, body, as: "user" } as const
      const response = await sendOnce(access, input, request.idempotencyKey, ["conversion", "state"], options)
      if ("conversion" in response) return { ...Json.decode<WalletConversion>(response), state: "completed" }
      const { state, ...reviewed } = Json.decode<ReviewedConversion>(response)
      // A retry after the approval.
      return state === "completed"
        ? { ...(await conversion(Options.pathId("auditId", reviewed.transactionId ?? ""), options)), state }
        : { ...reviewed, state }
    },

    async createQuote(request, options = {}) {
      Options.requireKnown("walletConversions.createQuote", request, [...REQUEST_FIELDS, "ttl"])
      Options.requireKnown("walletConversions.createQuote", options, CALL_OPTIONS)
      const body = { ...bodyOf(request), ttl: Options.durationText("ttl", request.ttl) }
      const input = { path: `${WALLET}/quotes`, body, as: "user", isUnsafe: true } as const
      return Json.decode<Quote>(await send(access, input, "quote_id", options))
    },

    async quote(quoteId, options = {}) {
      Options.requireKnown("walletConversions.quote", options, CALL_OPTIONS)
      return Json.decode<Quote>(
        await get(`quotes/${Options.pathId("quoteId", quoteId)}`, "quote_id", options)
      )
    },

    async get(auditId, options = {}) {
      Options.requireKnown("walletConversions.get", options, CALL_OPTIONS)
      return await conversion(Options.pathId("auditId", auditId), options)
    },

    async state(conversionId, options = {}) {
      Options.requireKnown("walletConversions.state", options, CALL_OPTIONS)
      const path = `conversions/${Options.pathId("conversionId", conversionId)}/state`
      return Json.decode<ReviewedConversion>(await get(path, "state", options))
    },

    async cancel(conversionId, options = {}) {
      Options.requireKnown("walletConversions.cancel", options, CALL_OPTIONS)
      const path = `${WALLET}/conversions/${Options.pathId("conversionId", conversionId)}/cancel`
      // A repeated request would find a conversion that can no longer be cancelled.
      const request = { path, method: "POST", as: "user", isUnsafe: true } as const
      return Json.decode<ReviewedConversion>(await send(access, request, "state", options))
    },

    async receipt(auditId, options = {}) {
      Options.requireKnown("walletConversions.receipt", options, CALL_OPTIONS)
      const path = `conversions/${Options.pathId("auditId", auditId)}/receipt`
      return Json.verbatim<Receipt>(await get(path, "proof", options))
    }
  }
}

const bodyOf = ({ amount, amountType, from, reference, to }: ConversionRequest) => ({
  amount: Options.amount(amount),
  from: Options.currency("from", from),
  to: Options.currency("to", to),
  amount_type: Options.oneOf("amountType", amountType, ["source", "target"]),
  reference
})

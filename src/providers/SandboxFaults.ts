import { BigDecimal, Effect, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Decimal from "../domain/Decimal.ts"
import * as ExactJson from "../domain/ExactJson.ts"

/** Ways in which the sandbox misbehaves when it is told to. */
export const Fault = Schema.Literals([
  "429",
  "500",
  "502",
  "unavailable",
  "hang",
  "inverse",
  "contradiction",
  "other-currency",
  "zero",
  "negative",
  "nan",
  "truncated",
  "html",
  "oversized"
])
export type Fault = typeof Fault.Type

/** A fault, for some pairs (`USD:NGN`; all without), for a number of requests (all without). */
export const FaultOrder = Schema.Struct({
  fault: Fault,
  pairs: Schema.optionalKey(Schema.Array(Schema.String)),
  times: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
})
export type FaultOrder = typeof FaultOrder.Type

/** What a good answer says. */
export interface Quotation {
  readonly from: string
  readonly to: string
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly rate: BigDecimal.BigDecimal
}

/** The answer of a Flutterwave that works, in its present convention. */
export const answer = (
  quotation: Quotation,
  changed: { readonly rate?: unknown; readonly source?: unknown } = {}
) => HttpServerResponse.text(answerText(quotation, changed), { contentType: "application/json" })

const answerText = (
  { destinationAmount, from, rate, sourceAmount, to }: Quotation,
  changed: { readonly rate?: unknown; readonly source?: unknown }
) =>
  JSON.stringify({
    status: "success",
    message: "Transfer rates fetched",
    data: {
      rate: changed.rate ?? ExactJson.number(rounded(rate)),
      source: { currency: from, amount: changed.source ?? ExactJson.number(sourceAmount) },
      destination: { currency: to, amount: ExactJson.number(destinationAmount) }
    }
  })

/** Flutterwave writes its rate field with a few digits only. */
const rounded = (rate: BigDecimal.BigDecimal) => {
  const { scale, value } = BigDecimal.normalize(rate)
  return BigDecimal.round(rate, { scale: scale - value.toString().length + 6, mode: "half-even" })
}

/** An error in the shape of Flutterwave's. */
export const error = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

/** The answer of a Flutterwave that has the fault. */
export const faulty = (
  fault: Fault,
  quotation: Quotation
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const inverse = Decimal.quotient(quotation.sourceAmount, quotation.destinationAmount)
  switch (fault) {
    case "429":
      return Effect.succeed(
        error(429, "Too many requests").pipe(HttpServerResponse.setHeader("retry-after", "1"))
      )
    case "500":
      return Effect.succeed(
        HttpServerResponse.jsonUnsafe(
          { error_id: "ERRNO500", message: "Application error. Please contact support", code: "app_error" },
          { status: 500 }
        )
      )
    case "502":
      return Effect.succeed(html(502))
    case "unavailable":
      return Effect.succeed(error(200, "Unable to fetch rates at the moment"))
    case "hang":
      return Effect.never
    case "inverse":
      return Effect.succeed(answer(quotation, { rate: ExactJson.number(rounded(inverse)) }))
    case "contradiction":
      return Effect.succeed(
        answer(quotation, {
          rate: ExactJson.number(BigDecimal.multiply(rounded(quotation.rate), BigDecimal.make(15n, 1)))
        })
      )
    case "other-currency":
      return Effect.succeed(answer({ ...quotation, to: quotation.to === "KES" ? "NGN" : "KES" }))
    case "zero":
      return Effect.succeed(answer(quotation, { source: 0 }))
    case "negative":
      return Effect.succeed(
        answer(quotation, { source: ExactJson.number(BigDecimal.negate(quotation.sourceAmount)) })
      )
    case "nan":
      return Effect.succeed(answer(quotation, { rate: "NaN" }))
    case "truncated":
      return Effect.succeed(
        HttpServerResponse.text(answerText(quotation, {}).slice(0, -20), { contentType: "application/json" })
      )
    case "html":
      return Effect.succeed(html(200))
    case "oversized":
      return Effect.succeed(HttpServerResponse.text(`{"padding":"${"x".repeat(200_000)}"}`))
  }
}

const html = (status: number) =>
  HttpServerResponse.text("<html><head><title>Bad Gateway</title></head></html>", {
    status,
    contentType: "text/html"
  })

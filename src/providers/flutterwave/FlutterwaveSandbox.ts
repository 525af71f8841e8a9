import { BigDecimal, Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { keyOf } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxRates } from "../sandbox/SandboxRates.ts"

/** Enough digits to compute the exact rate from the amounts. */
const AMOUNT_DIGITS = 18

/** Content of a normal response. */
interface Quotation {
  readonly from: string
  readonly to: string
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly rate: BigDecimal.BigDecimal
}

/** Simulates Flutterwave's `GET /v3/transfers/rates`. Accepts any key. */
export const make = (rates: SandboxRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FlutterwaveFault>()
  let requests = 0

  const quote = Effect.gen(function* () {
    requests++
    const request = yield* HttpServerRequest.HttpServerRequest
    const query = yield* HttpServerRequest.ParsedSearchParams
    if (!/^Bearer \S+$/.test(request.headers["authorization"] ?? ""))
      return error(401, "Authorization required")
    for (const name of ["amount", "source_currency", "destination_currency"]) {
      if (typeof query[name] !== "string" || query[name] === "") return error(400, `${name} is required`)
    }
    const [from, to] = [String(query["source_currency"]), String(query["destination_currency"])]
    const amount = Option.filter(Decimal.parse(String(query["amount"])), BigDecimal.isPositive)
    if (Option.isNone(amount)) return error(400, "amount must be a positive number")
    const current = yield* rates.next(from, to)
    if (Option.isNone(current)) return error(400, `${from} to ${to} is not supported`)
    const { distort, fault } = yield* faults.next([keyOf(from, to)])
    const rate = distort(keyOf(from, to), current.value)
    const sourceAmount = Decimal.quotient(amount.value, rate, AMOUNT_DIGITS)
    const quotation = { from, to, sourceAmount, destinationAmount: amount.value, rate }
    return fault === undefined ? success(quotation) : yield* faultyResponse(fault, quotation)
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/v3/transfers/rates", quote)]
  }
}

/** Makes a normal response, with some fields replaced. */
const success = (
  quotation: Quotation,
  overrides: { readonly rate?: unknown; readonly source?: unknown } = {}
) => HttpServerResponse.text(successText(quotation, overrides), { contentType: "application/json" })

const successText = (
  { destinationAmount, from, rate, sourceAmount, to }: Quotation,
  overrides: { readonly rate?: unknown; readonly source?: unknown }
) =>
  JSON.stringify({
    status: "success",
    message: "Transfer rates fetched",
    data: {
      rate: overrides.rate ?? ExactJson.number(rounded(rate)),
      source: { currency: from, amount: overrides.source ?? ExactJson.number(sourceAmount) },
      destination: { currency: to, amount: ExactJson.number(destinationAmount) }
    }
  })

/** Rounds like Flutterwave's `rate` field, to six significant digits. */
const rounded = (rate: BigDecimal.BigDecimal) => {
  const { scale, value } = BigDecimal.normalize(rate)
  return BigDecimal.round(rate, { scale: scale - value.toString().length + 6, mode: "half-even" })
}

/** Makes an error in Flutterwave's format. */
const error = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

/** Makes the response of an injected fault. */
const faultyResponse = (
  fault: Exclude<SandboxFaults.FlutterwaveFault, SandboxFaults.Distortion>,
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
      return Effect.succeed(success(quotation, { rate: ExactJson.number(rounded(inverse)) }))
    case "contradiction":
      return Effect.succeed(
        success(quotation, {
          rate: ExactJson.number(BigDecimal.multiply(rounded(quotation.rate), BigDecimal.make(15n, 1)))
        })
      )
    case "other-currency":
      return Effect.succeed(success({ ...quotation, to: quotation.to === "KES" ? "NGN" : "KES" }))
    case "zero":
      return Effect.succeed(success(quotation, { source: 0 }))
    case "negative":
      return Effect.succeed(
        success(quotation, { source: ExactJson.number(BigDecimal.negate(quotation.sourceAmount)) })
      )
    case "nan":
      return Effect.succeed(success(quotation, { rate: "NaN" }))
    case "truncated":
      return Effect.succeed(
        HttpServerResponse.text(successText(quotation, {}).slice(0, -20), { contentType: "application/json" })
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

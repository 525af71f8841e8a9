import { BigDecimal, Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxRates } from "../sandbox/SandboxRates.ts"

/** Enough for the amounts to lead back to the rate, digit for digit. */
const AMOUNT_DIGITS = 18

/** What a good answer says. */
interface Quotation {
  readonly from: string
  readonly to: string
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly rate: BigDecimal.BigDecimal
}

/** Flutterwave's `GET /v3/transfers/rates`. It takes every key. */
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
    const { distorted, fault } = yield* faults.next([`${from}:${to}`])
    const rate = distorted(`${from}:${to}`, current.value)
    const sourceAmount = Decimal.quotient(amount.value, rate, AMOUNT_DIGITS)
    const quotation = { from, to, sourceAmount, destinationAmount: amount.value, rate }
    return fault === undefined ? answer(quotation) : yield* faulty(fault, quotation)
  })

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [HttpRouter.route("GET", "/v3/transfers/rates", quote)]
  }
}

/** The answer of a Flutterwave that works, in its present convention. */
const answer = (quotation: Quotation, changed: { readonly rate?: unknown; readonly source?: unknown } = {}) =>
  HttpServerResponse.text(answerText(quotation, changed), { contentType: "application/json" })

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
const error = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

/** The answer of a Flutterwave that has the fault. */
const faulty = (
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

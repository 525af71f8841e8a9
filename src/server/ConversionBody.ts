import { Duration, Effect, Option, Schema } from "effect"
import type { BigDecimal } from "effect"
import type { HttpServerRequest } from "effect/http"
import { ConvertBody, QuoteBody } from "../api/ConversionMessage.ts"
import { InvalidRequest } from "../api/Problem.ts"
import type { Currency } from "../domain/Currency.ts"
import * as DurationText from "../domain/DurationText.ts"
import * as ExactJson from "../domain/ExactJson.ts"
import * as Money from "../domain/Money.ts"
import * as BodyText from "./BodyText.ts"
import * as InvalidRequests from "./InvalidRequests.ts"
import * as Problems from "./Problems.ts"

const Amount = Schema.declare(
  (value): value is string | ExactJson.JsonNumber =>
    typeof value === "string" || value instanceof ExactJson.JsonNumber,
  { message: `must be a decimal, as a string such as "500.00" or as a number` }
)

/** The body of a conversion, its numbers as they were written. */
export const Convert = Schema.Struct({ ...ConvertBody.fields, amount: Amount })
/** The body of a quote. */
export const Quote = Schema.Struct({ ...QuoteBody.fields, amount: Amount })

/** What a conversion and a quote are asked for with. */
export type ConversionBodyFields = typeof Convert.Type | typeof Quote.Type

/** Reads a body as JSON, by its schema, with every number as it was written and no field that is not known. */
export const read = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownEffect(schema, { onExcessProperty: "error", errors: "all" })
  return Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
    const text = yield* Effect.orDie(BodyText.read(request))
    const json = ExactJson.parse(text, (source) => new ExactJson.JsonNumber(source))
    if (Option.isNone(json))
      return yield* new InvalidRequest({ detail: "The body is not JSON that can be read" })
    // It is an object here only.
    if (json.value instanceof ExactJson.JsonNumber)
      return yield* Problems.invalid("/body", "must be an object, not a number")
    return yield* decode(json.value).pipe(
      Effect.mapError((cause) => InvalidRequests.toProblem({ cause, kind: "Payload" }))
    )
  })
}

/** More digits than this, and a double may not be the number that was written. */
const MAX_NUMBER_DIGITS = 15

/** The amount of a body in the currency of its side. */
export const amountOf = (
  given: string | ExactJson.JsonNumber,
  currency: Currency
): Effect.Effect<BigDecimal.BigDecimal, InvalidRequest> => {
  const text = typeof given === "string" ? given : given.text
  if (typeof given !== "string" && significantDigits(given.text) > MAX_NUMBER_DIGITS) {
    return Effect.fail(
      Problems.invalid(
        "/body/amount",
        `as a number it may have ${MAX_NUMBER_DIGITS} significant digits at most; send it as a string, "${excerpt(text)}"`
      )
    )
  }
  return Option.match(Money.parse(text, currency), {
    onSome: ({ amount }) => Effect.succeed(amount),
    onNone: () =>
      Effect.fail(
        Problems.invalid(
          "/body/amount",
          `must be a positive decimal of at most 18 digits before the point and ${currency.minorUnit} after it (${currency.code}), without sign or exponent; found "${excerpt(text)}"`
        )
      )
  })
}

const significantDigits = (text: string) =>
  text
    .replace(/[eE].*$/, "")
    .replace(/^-?0*\.?0*/, "")
    .replace(".", "").length

const excerpt = (text: string) => text.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, "?")

const DEFAULT_TTL = Duration.seconds(30)
const MAX_TTL = Duration.hours(1)

/** How long a quote holds. */
export const ttlOf = (text: string | undefined): Effect.Effect<Duration.Duration, InvalidRequest> => {
  if (text === undefined) return Effect.succeed(DEFAULT_TTL)
  return DurationText.parse(text).pipe(
    Option.filter((ttl) => Duration.isPositive(ttl) && Duration.isLessThanOrEqualTo(ttl, MAX_TTL)),
    Effect.fromOption,
    Effect.mapError(() =>
      Problems.invalid("/body/ttl", `must be ${DurationText.ALLOWED}, above 0 and at most 1 hour`)
    )
  )
}

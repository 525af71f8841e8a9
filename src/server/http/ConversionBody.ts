import { Duration, Effect, Option, Result, Schema } from "effect"
import type { BigDecimal } from "effect"
import type { HttpServerRequest } from "effect/http"
import { ConvertBody, QuoteBody } from "../../api/conversion/ConversionMessage.ts"
import { InvalidRequest } from "../../api/Problem.ts"
import type { Currency } from "../../domain/money/Currency.ts"
import * as DurationText from "../../domain/DurationText.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as Money from "../../domain/money/Money.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as InvalidRequests from "./InvalidRequests.ts"
import * as Problems from "../middleware/Problems.ts"

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

/** Whether JSON is just what a schema of plain fields describes. */
const isJust = <Fields extends Schema.Struct.Fields>(schema: Schema.Struct<Fields>) => {
  const isRight = Schema.is(schema)
  const known = new Set(Object.keys(schema.fields))
  return (json: unknown): json is Schema.Struct.Type<Fields> =>
    isRight(json) && Object.keys(json).every((field) => known.has(field))
}

/**
 * Reads text as JSON, by its schema, with every number as it was written and no field that is not known. What is `isRight`
 * as it stands is taken at once: to be ready to list all that is wrong takes longer.
 */
const parse = <A>(schema: Schema.Codec<A, unknown>, isRight?: (json: unknown) => json is A) => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: "error", errors: "all" })
  return (text: string): Result.Result<A, InvalidRequest> => {
    const json = ExactJson.parse(text, (source) => new ExactJson.JsonNumber(source))
    if (Option.isNone(json))
      return Result.fail(new InvalidRequest({ detail: "The body is not JSON that can be read" }))
    // It is an object here only.
    if (json.value instanceof ExactJson.JsonNumber)
      return Result.fail(Problems.invalid("/body", "must be an object, not a number"))
    if (isRight?.(json.value) === true) return Result.succeed(json.value)
    return Result.mapError(decode(json.value), (cause) =>
      InvalidRequests.toProblem({ cause, kind: "Payload" })
    )
  }
}

export const parseConvert = parse(Convert, isJust(Convert))
const parseQuote = parse(Quote, isJust(Quote))

const reading =
  <A>(parseText: (text: string) => Result.Result<A, InvalidRequest>) =>
  (request: HttpServerRequest.HttpServerRequest) =>
    Effect.flatMap(Effect.orDie(RequestBody.read(request)), (text) => Effect.fromResult(parseText(text)))

/** Reads the body of a request as JSON, by its schema, with every number as it was written and no unknown field. */
export const read = <A>(schema: Schema.Codec<A, unknown>) => reading(parse(schema))
export const readConvert = reading(parseConvert)
export const readQuote = reading(parseQuote)

/** More digits than this, and a double may not be the number that was written. */
const MAX_NUMBER_DIGITS = 15

/** The amount of a body in the currency of its side. */
export const amountOf = (
  given: string | ExactJson.JsonNumber,
  currency: Currency
): Result.Result<BigDecimal.BigDecimal, InvalidRequest> => {
  const text = typeof given === "string" ? given : given.text
  if (typeof given !== "string" && significantDigits(given.text) > MAX_NUMBER_DIGITS) {
    return Result.fail(
      Problems.invalid(
        "/body/amount",
        `as a number it may have ${MAX_NUMBER_DIGITS} significant digits at most; send it as a string, "${excerpt(text)}"`
      )
    )
  }
  return Option.match(Money.parse(text, currency), {
    onSome: ({ amount }) => Result.succeed(amount),
    onNone: () =>
      Result.fail(
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

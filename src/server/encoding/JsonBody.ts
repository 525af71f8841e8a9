import { Effect, Result, Schema } from "effect"
import type { HttpServerRequest } from "effect/http"
import { InvalidRequest } from "../../api/Problem.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as Problems from "../middleware/Problems.ts"
import * as RequestBody from "../node/RequestBody.ts"
import * as InvalidRequests from "../http/InvalidRequests.ts"

/** Creates a guard for objects that match a struct and have no other field. */
export const exactGuard = <Fields extends Schema.Struct.Fields>(schema: Schema.Struct<Fields>) => {
  const matches = Schema.is(schema)
  const known = new Set(Object.keys(schema.fields))
  return (json: unknown): json is Schema.Struct.Type<Fields> =>
    matches(json) && Object.keys(json).every((field) => known.has(field))
}

/**
 * Creates a parser of JSON by a schema. Unknown fields are rejected. By default, numbers keep their digits as
 * {@link ExactJson.JsonNumber}. Values that pass `guard` skip the decoder, which is slower because it collects all errors.
 */
export const makeParser = <A>(
  schema: Schema.Codec<A, unknown>,
  guard?: (json: unknown) => json is A,
  readNumber: (source: string) => unknown = (source) => new ExactJson.JsonNumber(source)
): ((text: string) => Result.Result<A, InvalidRequest>) => {
  const decode = Schema.decodeUnknownResult(schema, { onExcessProperty: "error", errors: "all" })
  return (text) => {
    const json = ExactJson.parse(text, readNumber)
    if (Result.isFailure(json)) return Result.fail(new InvalidRequest({ detail: `The body ${json.failure}` }))
    // A number at the top level is an object only because of JsonNumber.
    if (json.success instanceof ExactJson.JsonNumber)
      return Result.fail(Problems.invalid("/body", "must be an object, not a number"))
    if (guard?.(json.success) === true) return Result.succeed(json.success)
    return Result.mapError(decode(json.success), (cause) =>
      InvalidRequests.toProblem({ cause, kind: "Payload" })
    )
  }
}

/** Creates a reader of request bodies from a parser. */
export const makeReader =
  <A>(parse: (text: string) => Result.Result<A, InvalidRequest>) =>
  (request: HttpServerRequest.HttpServerRequest): Effect.Effect<A, InvalidRequest> =>
    RequestBody.read(request).pipe(
      Effect.catchTag("HttpServerError", Effect.die),
      Effect.flatMap((text) => Effect.fromResult(parse(text)))
    )

/** Creates a reader of request bodies by a schema; see {@link makeParser}. */
export const readerOf = <A>(schema: Schema.Codec<A, unknown>) => makeReader(makeParser(schema))

/** Creates a reader of request bodies whose numbers are counts, not amounts. */
export const readerOfCounts = <A>(schema: Schema.Codec<A, unknown>) =>
  makeReader(makeParser(schema, undefined, Number))

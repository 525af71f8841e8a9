import { Array, SchemaAST, SchemaIssue } from "effect"
import { HttpApiError } from "effect/http-api"
import { InvalidRequest } from "../../api/Problem.ts"

/** First segment of the JSON pointer for each part of a request. */
const segments: Record<string, string> = {
  Params: "path",
  Query: "query",
  Headers: "headers",
  Payload: "body"
}

/** Returns true if the error means that a request does not match its schema (as opposed to a response). */
export const is = (error: unknown): error is HttpApiError.HttpApiSchemaError =>
  HttpApiError.HttpApiSchemaError.is(error) && error.kind in segments

/** A part of a request that does not match its schema, and why. */
type RequestSchemaError = Pick<HttpApiError.HttpApiSchemaError, "cause" | "kind">

/** Limit on reported errors: a body of 64 KiB can have ten thousand unknown fields. */
const MAX_ERRORS = 20

/** Lists the errors of a request, each with a JSON pointer. Checks of one value can fail with the same message. */
export const errorsOf = ({ cause, kind }: RequestSchemaError) =>
  Array.dedupeWith(
    formatter(kind)(cause.issue)
      .issues.slice(0, MAX_ERRORS)
      .map(({ message, path = [] }) => ({
        pointer: ["", segments[kind] ?? kind, ...path.map(segmentOf)].join("/").slice(0, 200),
        detail: message.slice(0, 300)
      })),
    (one, other) => one.pointer === other.pointer && one.detail === other.detail
  )

/** Converts the error to an `invalid-request` problem. */
export const toProblem = (error: RequestSchemaError): InvalidRequest => {
  const errors = errorsOf(error)
  const detail = errors.map((each) => `${each.pointer}: ${each.detail}`).join("; ")
  return new InvalidRequest({ detail: detail.slice(0, 1000), errors })
}

const formatter = (kind: RequestSchemaError["kind"]) =>
  SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (issue) => {
      if (issue._tag === "MissingKey") return "is required"
      if (issue._tag === "UnexpectedKey")
        return kind === "Query"
          ? `is not a parameter; allowed: ${namesOf(issue.ast).join(", ")}`
          : "is not a known field"
      // Outside of the body every value is text, unless a parameter is repeated.
      if (issue._tag === "InvalidType" && kind !== "Payload") return "must be given once"
      return SchemaIssue.defaultLeafHook(issue)
    }
  })

const namesOf = (ast: SchemaAST.AST) =>
  SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

/** Escapes a segment of a JSON pointer (RFC 6901). */
const segmentOf = (segment: PropertyKey | { readonly key: PropertyKey }) =>
  String(typeof segment === "object" ? segment.key : segment)
    .replaceAll("~", "~0")
    .replaceAll("/", "~1")

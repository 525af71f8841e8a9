import { SchemaIssue } from "effect"
import { HttpApiError } from "effect/http-api"
import { InvalidRequest } from "../api/Problem.ts"

/** The first words of the pointers. */
const slots: Record<string, string> = { Params: "path", Query: "query", Headers: "headers", Payload: "body" }

/** Whether it is a request that does not fit its schema, and not an answer of our own. */
export const is = (error: unknown): error is HttpApiError.HttpApiSchemaError =>
  HttpApiError.HttpApiSchemaError.is(error) && error.kind in slots

/** What is wrong with a request, and where. */
export const errorsOf = ({ cause, kind }: HttpApiError.HttpApiSchemaError) =>
  formatter(kind)(cause.issue).issues.map(({ message, path = [] }) => ({
    pointer: ["", slots[kind] ?? kind, ...path.map(segmentOf)].join("/"),
    detail: message
  }))

/** The problem that tells it. */
export const toProblem = (error: HttpApiError.HttpApiSchemaError): InvalidRequest => {
  const errors = errorsOf(error)
  const detail = errors.map((each) => `${each.pointer}: ${each.detail}`).join("; ")
  return new InvalidRequest({ detail, errors })
}

const formatter = (kind: HttpApiError.HttpApiSchemaError["kind"]) =>
  SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (issue) => {
      if (issue._tag === "MissingKey") return "is required"
      // Outside of a body everything is text, unless it stands there twice.
      if (issue._tag === "InvalidType" && kind !== "Payload") return "must be given once"
      return SchemaIssue.defaultLeafHook(issue)
    }
  })

/** One word of a pointer, by RFC 6901. */
export const segmentOf = (segment: PropertyKey | { readonly key: PropertyKey }) =>
  String(typeof segment === "object" ? segment.key : segment)
    .replaceAll("~", "~0")
    .replaceAll("/", "~1")

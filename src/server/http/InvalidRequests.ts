import { SchemaIssue } from "effect"
import { HttpApiError } from "effect/http-api"
import { InvalidRequest } from "../../api/Problem.ts"

/** The first words of the pointers. */
const slots: Record<string, string> = { Params: "path", Query: "query", Headers: "headers", Payload: "body" }

/** Whether it is a request that does not fit its schema, and not an answer of our own. */
export const is = (error: unknown): error is HttpApiError.HttpApiSchemaError =>
  HttpApiError.HttpApiSchemaError.is(error) && error.kind in slots

/** A part of a request, and why it does not fit its schema. */
type Misfit = Pick<HttpApiError.HttpApiSchemaError, "cause" | "kind">

/** A body of 64 KiB can have ten thousand fields that are not known. */
const MAX_ERRORS = 20

/** What is wrong with a request, and where. */
export const errorsOf = ({ cause, kind }: Misfit) =>
  formatter(kind)(cause.issue)
    .issues.slice(0, MAX_ERRORS)
    .map(({ message, path = [] }) => ({
      pointer: ["", slots[kind] ?? kind, ...path.map(segmentOf)].join("/").slice(0, 200),
      detail: message.slice(0, 300)
    }))

/** The problem that tells it. */
export const toProblem = (misfit: Misfit): InvalidRequest => {
  const errors = errorsOf(misfit)
  const detail = errors.map((each) => `${each.pointer}: ${each.detail}`).join("; ")
  return new InvalidRequest({ detail: detail.slice(0, 1000), errors })
}

const formatter = (kind: Misfit["kind"]) =>
  SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (issue) => {
      if (issue._tag === "MissingKey") return "is required"
      if (issue._tag === "UnexpectedKey") return "is not known here"
      // Outside of a body everything is text, unless it stands there twice.
      if (issue._tag === "InvalidType" && kind !== "Payload") return "must be given once"
      return SchemaIssue.defaultLeafHook(issue)
    }
  })

/** One word of a pointer, by RFC 6901. */
const segmentOf = (segment: PropertyKey | { readonly key: PropertyKey }) =>
  String(typeof segment === "object" ? segment.key : segment)
    .replaceAll("~", "~0")
    .replaceAll("/", "~1")

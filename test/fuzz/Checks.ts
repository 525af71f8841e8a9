import { Predicate } from "effect"
import type { RawResponse } from "./RawResponse.ts"
import type { Document, Operation } from "./Document.ts"
import type { RenderedRequest } from "./requests/RequestDraft.ts"
import * as Leaks from "./Leaks.ts"
import type * as RawConnection from "./RawConnection.ts"

/** A response that violates the contract. */
export interface Finding {
  /** Groups equal findings; contains nothing specific to one request. */
  readonly kind: string
  readonly detail: string
}

const PROBLEM_TYPE = "application/problem+json"
const PROBLEM_MEMBERS = ["type", "title", "status", "detail", "instance", "code", "retryable", "trace_id"]
/** Allowed statuses for requests to undocumented paths, and for requests that reach no endpoint. */
const UNDOCUMENTED_STATUSES = new Set([400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 422, 429, 431])

/** True for findings that can be due to a busy server: a timeout or a 503. */
export const isCausedByLoad = ({ kind }: Finding): boolean =>
  /: (fails with 503|no response in time)$/.test(kind)

/** True if the server or its database was too busy, so that the request should be retried. */
export const isBusy = ({ responses: [response], end }: RawConnection.Exchange): boolean =>
  response === undefined ? end === "timeout" : response.status === 503 && !isStaleRate(parse(response))

/** Makes a function that returns all findings about the responses to a request. */
export const make = (document: Document) => {
  const checkResponse = (
    sent: RenderedRequest,
    response: RawResponse,
    matched: Operation | undefined
  ): ReadonlyArray<Finding> => {
    const json = parse(response)
    // A request that the HTTP server rejects before routing has no path.
    const operation = isUnrouted(json) ? undefined : matched
    return [
      ...checkFailure(response, json),
      ...checkLeaks(sent, response, json),
      ...(operation === undefined
        ? checkUndocumented(sent, response, json)
        : checkOperation(operation, sent, response, json))
    ].map(({ detail, kind }) => ({ kind: `${operation?.name ?? nameOf(sent)}: ${kind}`, detail }))
  }

  /** Checks status, media type and body against the document. */
  const checkOperation = (
    operation: Operation,
    { method }: RenderedRequest,
    response: RawResponse,
    json: unknown
  ): Array<Finding> => {
    const { status } = response
    const types = operation.responses.get(status)
    if (types === undefined)
      return [{ kind: `status ${status} is not documented`, detail: excerpt(response) }]
    const type = typeOf(response)
    if (method === "HEAD" || types.length === 0) {
      return response.body.length === 0 ? [] : [{ kind: `${status} has a body`, detail: excerpt(response) }]
    }
    if (!types.includes(type))
      return [
        { kind: `${status} as ${type || "no media type"} is not documented`, detail: excerpt(response) }
      ]
    return [
      ...bodiesToValidate(type, response, json).flatMap((body) => {
        const schemaError = document.schemaError(operation, status, type, body)
        return schemaError === undefined
          ? []
          : [{ kind: `${status} does not fit its schema: ${schemaError}`, detail: excerpt(response) }]
      }),
      ...(type === PROBLEM_TYPE ? checkProblem(response, json) : [])
    ]
  }

  /** Checks a response to an undocumented request: a problem, or the error of the endpoint at that path. */
  const checkUndocumented = (
    { isWellFormed, method, target }: RenderedRequest,
    response: RawResponse,
    json: unknown
  ): Array<Finding> => {
    const { status } = response
    if (status < 400) return []
    if (!UNDOCUMENTED_STATUSES.has(status) && status < 500)
      return [{ kind: `rejected with ${status}`, detail: excerpt(response) }]
    const endpoint = isWellFormed && !isUnrouted(json) ? document.at(target) : undefined
    const [type = PROBLEM_TYPE] = endpoint?.responses.get(400) ?? []
    if (method === "HEAD" || isPageNotFound(response, target)) return []
    if (endpoint !== undefined && type !== PROBLEM_TYPE) {
      const schemaError = document.schemaError(endpoint, 400, type, json)
      return schemaError === undefined
        ? []
        : [{ kind: `${status}: ${schemaError}`, detail: excerpt(response) }]
    }
    return typeOf(response) === PROBLEM_TYPE
      ? checkProblem(response, json)
      : [{ kind: `${status} is not a problem but ${typeOf(response)}`, detail: excerpt(response) }]
  }

  return (sent: RenderedRequest, exchange: RawConnection.Exchange): ReadonlyArray<Finding> => {
    const { responses, end, millis } = exchange
    if (end === "timeout")
      return [{ kind: `${nameOf(sent)}: no response in time`, detail: `${Math.round(millis)} ms` }]
    if (end === "unreadable") return [{ kind: `${nameOf(sent)}: a response that is not HTTP`, detail: "" }]
    // The server may drop an incomplete request.
    if (end === "closed")
      return sent.needsOwnConnection
        ? []
        : [{ kind: `${nameOf(sent)}: closed without a response`, detail: "" }]
    const operation = sent.isWellFormed ? document.find(sent.method, sent.target) : undefined
    // Further responses are to bytes that the server took for another request.
    return responses.flatMap((response, i) => checkResponse(sent, response, i === 0 ? operation : undefined))
  }
}

const isUnrouted = (json: unknown) => Predicate.isObject(json) && "instance" in json && json.instance === ""

/** True for the page of the web app that a browser gets for an unknown path outside of the API. */
const isPageNotFound = (response: RawResponse, target: string) =>
  response.status === 404 && typeOf(response) === "text/html" && !target.startsWith("/api/")

const nameOf = ({ name }: RenderedRequest) => name

const typeOf = ({ headers }: RawResponse) => (headers.get("content-type") ?? "").replace(/;.*$/, "").trim()

const excerpt = ({ body, status }: RawResponse) => `${status} ${body.subarray(0, 300).toString()}`

const parse = (response: RawResponse): unknown => {
  if (!typeOf(response).endsWith("json")) return undefined
  try {
    return JSON.parse(response.body.toString())
  } catch {
    return undefined
  }
}

/** Values that the schema describes: each event of a stream, the text of a file, or the JSON body. */
const bodiesToValidate = (type: string, { body }: RawResponse, json: unknown): ReadonlyArray<unknown> => {
  const text = body.toString()
  switch (type) {
    case "text/event-stream":
      return text
        .split("\n\n")
        .slice(0, -1)
        .filter((event) => /^data:/m.test(event))
        .map(eventOf)
    case "application/x-ndjson":
    case "text/csv":
    case "text/html":
      return [text]
    default:
      return [json]
  }
}

const eventOf = (text: string) =>
  Object.fromEntries(
    text.split("\n").map((line) => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
  )

/** True for the only 503 of a healthy server: no rate is as fresh as `max_age` requires. */
const isStaleRate = (json: unknown) =>
  Predicate.isObject(json) && "code" in json && json.code === "rate-too-old"

const checkFailure = (response: RawResponse, json: unknown): Array<Finding> =>
  response.status < 500 || (response.status === 503 && isStaleRate(json))
    ? []
    : [{ kind: `fails with ${response.status}`, detail: excerpt(response) }]

/** Reports internals in the response that the request did not contain. */
const checkLeaks = (
  { bytes }: RenderedRequest,
  { body, headers }: RawResponse,
  json: unknown
): Array<Finding> => {
  if (json === undefined) return []
  const text = `${Array.from(headers).join("\n")}\n${body.subarray(0, 20_000).toString()}`
  return Leaks.find(text, bytes.toString()).map((leak) => ({
    kind: `leaks ${JSON.stringify(leak)}`,
    detail: text.slice(0, 500)
  }))
}

/** Checks that a problem has every member of the contract and matches its status. */
const checkProblem = (response: RawResponse, json: unknown): Array<Finding> => {
  const wrong = (kind: string): Array<Finding> => [
    { kind: `${response.status}: ${kind}`, detail: excerpt(response) }
  ]
  if (!Predicate.isObject(json)) return wrong("a problem that is not an object")
  const members: Readonly<Record<string, unknown>> = { ...json }
  const missing = PROBLEM_MEMBERS.filter((name) => members[name] === undefined)
  if (missing.length > 0) return wrong(`a problem without ${missing.join()}`)
  const { code, instance, status, trace_id, type } = members
  if (status !== response.status) return wrong("a problem with another status")
  if (type !== `urn:effex:problem:${String(code)}`) return wrong("a problem of another type")
  if (!/^[0-9a-f]{32}$/.test(String(trace_id))) return wrong("a problem with an invalid trace id")
  if (typeof instance !== "string" || instance.length > 256)
    return wrong("a problem with an invalid instance")
  return []
}

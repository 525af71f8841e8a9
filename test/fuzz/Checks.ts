import { Predicate } from "effect"
import type { Answer } from "./Answer.ts"
import type { Document, Operation } from "./Document.ts"
import type { Sent } from "./RequestDraft.ts"
import * as Leaks from "./Leaks.ts"
import type * as RawRequests from "./RawRequests.ts"

/** A promise that an answer breaks. */
export interface Fault {
  /** What is the same for all of its kind. */
  readonly kind: string
  readonly detail: string
}

const PROBLEM = "application/problem+json"
const MEMBERS = ["type", "title", "status", "detail", "instance", "code", "retryable", "trace_id"]
/** How whatever is not in the document may be refused, and what never reaches an endpoint. */
const REFUSALS = new Set([400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 422, 429, 431])

/** What is held against an answer for nothing but being late, or a 503. */
export const isOfBusy = ({ kind }: Fault): boolean => /: (fails with 503|no answer in time)$/.test(kind)

/** Where a server that is too busy, or whose database is, answered late or said so: not yet the last word. */
export const isBusy = ({ answers: [answer], end }: RawRequests.Exchange): boolean =>
  answer === undefined ? end === "late" : answer.status === 503 && !isDue(parse(answer))

/** Says what is wrong with what came of a request; nothing where all is well. */
export const make = (document: Document) => {
  const ofAnswer = (sent: Sent, answer: Answer, reached: Operation | undefined): ReadonlyArray<Fault> => {
    const json = parse(answer)
    // What the server itself refuses has no path.
    const operation = isOfNoPath(json) ? undefined : reached
    return [
      ...failing(answer, json),
      ...leaking(sent, answer, json),
      ...(operation === undefined
        ? ofElsewhere(sent, answer, json)
        : ofOperation(operation, sent, answer, json))
    ].map(({ detail, kind }) => ({ kind: `${operation?.name ?? nameOf(sent)}: ${kind}`, detail }))
  }

  /** What is documented: the status, the media type, and the body. */
  const ofOperation = (
    operation: Operation,
    { method }: Sent,
    answer: Answer,
    json: unknown
  ): Array<Fault> => {
    const { status } = answer
    const types = operation.answers.get(status)
    if (types === undefined) return [{ kind: `status ${status} is not documented`, detail: excerpt(answer) }]
    const type = typeOf(answer)
    if (method === "HEAD" || types.length === 0) {
      return answer.body.length === 0 ? [] : [{ kind: `${status} has a body`, detail: excerpt(answer) }]
    }
    if (!types.includes(type))
      return [{ kind: `${status} as ${type || "nothing"} is not documented`, detail: excerpt(answer) }]
    return [
      ...bodiesOf(type, answer, json).flatMap((body) => {
        const misfit = document.misfit(operation, status, type, body)
        return misfit === undefined
          ? []
          : [{ kind: `${status} does not fit its schema: ${misfit}`, detail: excerpt(answer) }]
      }),
      ...(type === PROBLEM ? ofProblem(answer, json) : [])
    ]
  }

  /** What is not in the document is refused, by a problem or in the way of whatever is at that path. */
  const ofElsewhere = ({ legible, method, target }: Sent, answer: Answer, json: unknown): Array<Fault> => {
    const { status } = answer
    if (status < 400) return []
    if (!REFUSALS.has(status) && status < 500)
      return [{ kind: `refused with ${status}`, detail: excerpt(answer) }]
    const neighbour = legible && !isOfNoPath(json) ? document.at(target) : undefined
    const [type = PROBLEM] = neighbour?.answers.get(400) ?? []
    if (method === "HEAD") return []
    if (neighbour !== undefined && type !== PROBLEM) {
      const misfit = document.misfit(neighbour, 400, type, json)
      return misfit === undefined ? [] : [{ kind: `${status}: ${misfit}`, detail: excerpt(answer) }]
    }
    return typeOf(answer) === PROBLEM
      ? ofProblem(answer, json)
      : [{ kind: `${status} is no problem but ${typeOf(answer)}`, detail: excerpt(answer) }]
  }

  return (sent: Sent, exchange: RawRequests.Exchange): ReadonlyArray<Fault> => {
    const { answers, end, millis } = exchange
    if (end === "late")
      return [{ kind: `${nameOf(sent)}: no answer in time`, detail: `${Math.round(millis)} ms` }]
    if (end === "unreadable") return [{ kind: `${nameOf(sent)}: an answer that is not HTTP`, detail: "" }]
    // What is cut off may be dropped.
    if (end === "closed")
      return sent.apart ? [] : [{ kind: `${nameOf(sent)}: closed without an answer`, detail: "" }]
    const operation = sent.legible ? document.find(sent.method, sent.target) : undefined
    // Those behind the first answer what the server took for another request.
    return answers.flatMap((answer, i) => ofAnswer(sent, answer, i === 0 ? operation : undefined))
  }
}

const isOfNoPath = (json: unknown) => Predicate.isObject(json) && "instance" in json && json.instance === ""

/** What the request was made from. */
const nameOf = ({ name }: Sent) => name

const typeOf = ({ headers }: Answer) => (headers.get("content-type") ?? "").replace(/;.*$/, "").trim()

const excerpt = ({ body, status }: Answer) => `${status} ${body.subarray(0, 300).toString()}`

const parse = (answer: Answer): unknown => {
  if (!typeOf(answer).endsWith("json")) return undefined
  try {
    return JSON.parse(answer.body.toString())
  } catch {
    return undefined
  }
}

/** What a schema is about: each event of a stream, the text of a file, or the whole. */
const bodiesOf = (type: string, { body }: Answer, json: unknown): ReadonlyArray<unknown> => {
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

/** The failure that a healthy server may tell: no rate can be as fresh as was asked for. */
const isDue = (json: unknown) => Predicate.isObject(json) && "code" in json && json.code === "rate-too-old"

const failing = (answer: Answer, json: unknown): Array<Fault> =>
  answer.status < 500 || (answer.status === 503 && isDue(json))
    ? []
    : [{ kind: `fails with ${answer.status}`, detail: excerpt(answer) }]

/** Nothing of the inside is told, apart from what the caller said first. */
const leaking = ({ bytes }: Sent, { body, headers }: Answer, json: unknown): Array<Fault> => {
  if (json === undefined) return []
  const told = `${Array.from(headers).join("\n")}\n${body.subarray(0, 20_000).toString()}`
  return Leaks.find(told, bytes.toString()).map((leak) => ({
    kind: `tells ${JSON.stringify(leak)}`,
    detail: told.slice(0, 500)
  }))
}

/** A problem has every member of the contract, and says the same as its status. */
const ofProblem = (answer: Answer, json: unknown): Array<Fault> => {
  const wrong = (kind: string): Array<Fault> => [
    { kind: `${answer.status}: ${kind}`, detail: excerpt(answer) }
  ]
  if (!Predicate.isObject(json)) return wrong("a problem that is no object")
  const members: Readonly<Record<string, unknown>> = { ...json }
  const missing = MEMBERS.filter((name) => members[name] === undefined)
  if (missing.length > 0) return wrong(`a problem without ${missing.join()}`)
  const { code, instance, status, trace_id, type } = members
  if (status !== answer.status) return wrong("a problem with another status")
  if (type !== `urn:effex:problem:${String(code)}`) return wrong("a problem of another type")
  if (!/^[0-9a-f]{32}$/.test(String(trace_id))) return wrong("a problem with an odd trace id")
  if (typeof instance !== "string" || instance.length > 256) return wrong("a problem with an odd instance")
  return []
}

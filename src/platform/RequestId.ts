import { Context, Effect, type Fiber, Option, Tracer } from "effect"
import { HttpServerRequest, HttpTraceContext } from "effect/http"
import { randomFillSync } from "node:crypto"

/** What a request is called, in its answer, in the log and in traces. */
export class RequestId {
  /** 32 hexadecimal digits; those of the caller, where it sent a trace. */
  readonly traceId: string
  /** What the caller calls it, where it said so, and that is sane. */
  readonly given: string | undefined

  constructor(traceId: string, given: string | undefined) {
    this.traceId = traceId
    this.given = given
  }
}

/**
 * What a caller may call its request: enough for a UUID with a prefix, nothing that could mean something in a log, and
 * no key that was put into the wrong header.
 */
const SANE = /^(?!.*efx_)[\w.:-]{1,128}$/

/** Hung on Node's own request, which every view of it shares: a lookup has no time for another layer of context. */
const KEY = Symbol("effex/platform/RequestId")

/** What is not traced has a span as well, without such an id. */
const TRACE_ID = /^[0-9a-f]{32}$/

const TRACE_ID_BYTES = 16
/** Random bytes for the next ids: to ask for those of one id costs more than to write it. */
const entropy = Buffer.alloc(256 * TRACE_ID_BYTES)
let used = entropy.length

export const newTraceId = (): string => {
  if (used === entropy.length) {
    randomFillSync(entropy)
    used = 0
  }
  used += TRACE_ID_BYTES
  return entropy.toString("hex", used - TRACE_ID_BYTES, used)
}

/** The request that a fiber answers, named when it is first asked for; none for what the process does by itself. */
export const ofFiber = (fiber: Fiber.Fiber<unknown, unknown>): RequestId | undefined => {
  const request = Context.getOrUndefined(fiber.context, HttpServerRequest.HttpServerRequest)
  if (request === undefined) return undefined
  const known: unknown = Reflect.get(request.source, KEY)
  if (known instanceof RequestId) return known
  const named = nameOf(request, spanOf(fiber)?.traceId)
  Reflect.set(request.source, KEY, named)
  return named
}

/** `traced` is the id of the trace where requests are traced. */
const nameOf = ({ headers }: HttpServerRequest.HttpServerRequest, traced: string | undefined): RequestId => {
  const { "x-request-id": given, traceparent } = headers
  const caller = traceparent === undefined ? undefined : callerIn(headers)
  return new RequestId(
    caller ?? traced ?? newTraceId(),
    given !== undefined && SANE.test(given) ? given : undefined
  )
}

const callerIn = (headers: HttpServerRequest.HttpServerRequest["headers"]) => {
  const caller = Option.getOrUndefined(HttpTraceContext.w3c(headers))
  return caller?.traceId
}

const spanOf = ({ context }: Fiber.Fiber<unknown, unknown>) =>
  Context.getOrUndefined(context, Tracer.ParentSpan)

/**
 * What names whatever a fiber does: the trace that it is a part of, since many calls may come over one connection, or
 * else the request that it answers.
 */
export const traceIdOf = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => {
  const span = spanOf(fiber)
  return (span !== undefined && TRACE_ID.test(span.traceId) ? span : ofFiber(fiber))?.traceId
}

/** As {@link traceIdOf}, of this fiber; a new one where nothing names it. */
export const currentTraceId: Effect.Effect<string> = Effect.withFiber((fiber) =>
  Effect.succeed(traceIdOf(fiber) ?? newTraceId())
)

import { Context, Effect, type Fiber, Option, Tracer } from "effect"
import { Headers, HttpServerRequest, HttpTraceContext } from "effect/http"
import * as RandomBytes from "./RandomBytes.ts"

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

  /** What the answer calls it. */
  get name(): string {
    return this.given ?? this.traceId
  }
}

/**
 * What a caller may call its request: enough for a UUID with a prefix, nothing that could mean something in a log, and
 * no key that was put into the wrong header.
 */
const SANE = /^(?!.*efx_)[\w.:-]{1,128}$/

/** Hung on Node's own request, which every view of it shares: a lookup has no time for another layer of context. */
const KEY = Symbol("effex/platform/RequestId")

/** What a request was made of: with Node, its `IncomingMessage`. */
interface Source {
  [KEY]?: RequestId
}

interface NamingHeaders {
  readonly [name: string]: string | ReadonlyArray<string> | undefined
}

/** What is not traced has a span as well, without such an id. */
const TRACE_ID = /^[0-9a-f]{32}$/

const TRACE_ID_BYTES = 16

export const newTraceId = (): string => RandomBytes.draw(TRACE_ID_BYTES).toString("hex")

/** What a request is called, named when it is first asked for. `traced` is the id of its trace, where it is traced. */
export const of = (source: Source, headers: NamingHeaders, traced?: string): RequestId =>
  (source[KEY] ??= nameOf(headers, traced))

/** The name of a request that is asked for it once only. */
export const nameOf = ({ traceparent, "x-request-id": given }: NamingHeaders, traced?: string): RequestId =>
  new RequestId(
    (traceparent === undefined ? undefined : callerIn(String(traceparent))) ?? traced ?? newTraceId(),
    given !== undefined && SANE.test(String(given)) ? String(given) : undefined
  )

/** What a fiber that has no view of a request at hand answers. */
export class Named extends Context.Reference<RequestId | undefined>("effex/platform/RequestId/Named", {
  defaultValue: () => undefined
}) {}

const callerIn = (traceparent: string) =>
  Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromInput({ traceparent })))?.traceId

/** The request that a fiber answers; none for what the process does by itself. */
export const ofFiber = (fiber: Fiber.Fiber<unknown, unknown>): RequestId | undefined => {
  const request = Context.getOrUndefined(fiber.context, HttpServerRequest.HttpServerRequest)
  if (request === undefined) return Context.get(fiber.context, Named)
  return of(request.source, request.headers, tracedAs(fiber))
}

/** The id of the trace that a fiber is a part of; none where nothing is traced. */
export const tracedAs = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => spanOf(fiber)?.traceId

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

import { Context, Effect, type Fiber, Option, Tracer } from "effect"
import { Headers, HttpServerRequest, HttpTraceContext } from "effect/http"
import * as RandomBytes from "./RandomBytes.ts"

/** Identity of a request in its response, the log and traces. */
export class RequestId {
  /** 32 hexadecimal digits: the trace id of the caller's `traceparent`, or a new one. */
  readonly traceId: string
  /** The caller's `X-Request-Id`, if it is valid. */
  readonly fromClient: string | undefined

  constructor(traceId: string, fromClient: string | undefined) {
    this.traceId = traceId
    this.fromClient = fromClient
  }

  /** Value of `X-Request-Id` in the response. */
  get value(): string {
    return this.fromClient ?? this.traceId
  }
}

/**
 * Format of valid request ids of callers: long enough for a UUID with a prefix. Excludes characters that are special in
 * logs, and API keys that were sent in the wrong header.
 */
const VALID_ID = /^(?!.*efx_)[\w.:-]{1,128}$/

/** Stored on Node's request object, which all views of a request share. A context layer would slow down lookups. */
const KEY = Symbol("effex/platform/RequestId")

/** The object behind a request: with Node, its `IncomingMessage`. */
interface Source {
  [KEY]?: RequestId
}

interface IdHeaders {
  readonly [name: string]: string | ReadonlyArray<string> | undefined
}

/** Spans that are not exported have ids in another format. */
const TRACE_ID = /^[0-9a-f]{32}$/

const TRACE_ID_BYTES = 16

export const newTraceId = (): string => RandomBytes.pooled(TRACE_ID_BYTES).toString("hex")

/** Returns the id of a request, assigned on first use. `traceId` is the id of its exported trace, if any. */
export const ofRequest = (source: Source, headers: IdHeaders, traceId?: string): RequestId =>
  (source[KEY] ??= fromHeaders(headers, traceId))

/** Makes the id of a request without storing it, for callers that need it once. */
export const fromHeaders = (
  { traceparent, "x-request-id": fromClient }: IdHeaders,
  traceId?: string
): RequestId =>
  new RequestId(
    (traceparent === undefined ? undefined : traceIdIn(String(traceparent))) ?? traceId ?? newTraceId(),
    fromClient !== undefined && VALID_ID.test(String(fromClient)) ? String(fromClient) : undefined
  )

/** Id of the current request, for fibers that have no `HttpServerRequest`. */
export class CurrentRequestId extends Context.Reference<RequestId | undefined>(
  "effex/platform/RequestId/CurrentRequestId",
  { defaultValue: () => undefined }
) {}

const traceIdIn = (traceparent: string) =>
  Option.getOrUndefined(HttpTraceContext.w3c(Headers.fromInput({ traceparent })))?.traceId

/** Returns the id of the request that a fiber handles; undefined for background work. */
export const fiberRequestId = (fiber: Fiber.Fiber<unknown, unknown>): RequestId | undefined => {
  const request = Context.getOrUndefined(fiber.context, HttpServerRequest.HttpServerRequest)
  if (request === undefined) return Context.get(fiber.context, CurrentRequestId)
  return ofRequest(request.source, request.headers, spanTraceId(fiber))
}

/** Returns the trace id of a fiber's current span; undefined when tracing is off. */
export const spanTraceId = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined =>
  spanOf(fiber)?.traceId

const spanOf = ({ context }: Fiber.Fiber<unknown, unknown>) =>
  Context.getOrUndefined(context, Tracer.ParentSpan)

/**
 * Returns the trace id of a fiber. The id of its span comes first, since one connection can carry many calls; then the
 * id of the request that it handles.
 */
export const fiberTraceId = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined => {
  const span = spanOf(fiber)
  return (span !== undefined && TRACE_ID.test(span.traceId) ? span : fiberRequestId(fiber))?.traceId
}

/** The trace id of the current fiber, or a new one. */
export const currentTraceId: Effect.Effect<string> = Effect.withFiber((fiber) =>
  Effect.succeed(fiberTraceId(fiber) ?? newTraceId())
)

import { Context, Effect, Fiber, Layer, Option, Random, Tracer } from "effect"
import { HttpServerRequest } from "effect/http"
import type { Sampling } from "../../config/settings/OpenTelemetrySettings.ts"

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

/**
 * Decides whether the trace of an HTTP request is exported, before its span is created. `source` is the `source` of its
 * `HttpServerRequest`, and `parent` the span named by its headers. If true, the span of the request is exported as well; if
 * false, the request must have no span.
 *
 * Without a sampler every trace is exported.
 */
export class RequestSampler extends Context.Reference<
  (source: object, parent: Option.Option<Tracer.ExternalSpan>) => boolean
>("effex/platform/telemetry/TraceSampler/RequestSampler", { defaultValue: () => () => true }) {}

/** Creates the spans of requests that {@link RequestSampler} selected. Undefined without a sampler. */
export class RequestTracer extends Context.Reference<Tracer.Tracer | undefined>(
  "effex/platform/telemetry/TraceSampler/RequestTracer",
  { defaultValue: () => undefined }
) {}

/** Samples the traces of an exporting tracer by `OTEL_TRACES_SAMPLER`. */
export const layer = ({ parentBased, ratio }: Sampling) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const tracer = yield* Tracer.Tracer
      const random = yield* Random.Random
      if (tracer === Tracer.nativeTracer) return Context.make(Tracer.Tracer, tracer)
      /** Only sampled requests reach the tracer, so the others need no entry. */
      const sampledRequests = new WeakSet<object>()
      const isRootSampled = (source: object | undefined) =>
        (source !== undefined && sampledRequests.has(source)) || random.nextDoubleUnsafe() < ratio
      const isSampled = (
        { parent, sampled }: Pick<SpanOptions, "parent" | "sampled">,
        source: () => object | undefined
      ) => {
        const parentSpan = Option.getOrUndefined(parent)
        // Spans inherit the decision of their parent.
        if (parentSpan?._tag === "Span" || (parentSpan !== undefined && parentBased)) return sampled
        return parentSpan === undefined ? isRootSampled(source()) : traceIdRatio(parentSpan.traceId) < ratio
      }
      const sampleRequest: (typeof RequestSampler)["Service"] = (source, parent) => {
        const sampled = Option.isNone(parent) || parent.value.sampled
        const decision = isSampled({ parent, sampled }, () => source)
        if (decision && Option.isNone(parent)) sampledRequests.add(source)
        return decision
      }
      const sampling = Tracer.make({
        ...tracer,
        span: (options) => tracer.span({ ...options, sampled: isSampled(options, currentRequestSource) })
      })
      return Context.make(Tracer.Tracer, sampling).pipe(
        Context.add(RequestSampler, sampleRequest),
        Context.add(RequestTracer, tracer)
      )
    })
  )

/** Maps a trace id to a number between 0 and 1, so that all services sample the same traces. */
const traceIdRatio = (traceId: string) => Number.parseInt(traceId.slice(-12), 16) / 2 ** 48

/** Returns what the current fiber's request was made from; undefined outside of requests. */
const currentRequestSource = (): object | undefined => {
  const fiber = Fiber.getCurrent()
  return fiber && Context.getOrUndefined(fiber.context, HttpServerRequest.HttpServerRequest)?.source
}

import { Effect, Layer, Option, Random, Tracer } from "effect"
import type { Sampling } from "../../config/OpenTelemetrySettings.ts"

/** Makes the tracer, where there is one, send as much as `OTEL_TRACES_SAMPLER` says. */
export const layer = ({ parentBased, ratio }: Sampling) =>
  Layer.effect(
    Tracer.Tracer,
    Effect.gen(function* () {
      const tracer = yield* Tracer.Tracer
      const random = yield* Random.Random
      if (tracer === Tracer.nativeTracer) return tracer
      const isSampled = ({ parent, sampled }: Parameters<typeof tracer.span>[0]) => {
        const [caller] = Option.toArray(parent)
        // A part of a trace goes where the whole of it goes.
        if (caller?._tag === "Span" || (caller !== undefined && parentBased)) return sampled
        return (caller === undefined ? random.nextDoubleUnsafe() : placeOf(caller.traceId)) < ratio
      }
      return Tracer.make({
        ...tracer,
        span: (options) => tracer.span({ ...options, sampled: isSampled(options) })
      })
    })
  )

/** Where a trace that a caller has named stands between 0 and 1, for all services alike. */
const placeOf = (traceId: string) => Number.parseInt(traceId.slice(-12), 16) / 2 ** 48

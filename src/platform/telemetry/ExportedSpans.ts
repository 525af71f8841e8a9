import { Effect, Tracer } from "effect"

/** True when spans are exported. */
export const isExported = Effect.map(Tracer.Tracer, (tracer) => tracer !== Tracer.nativeTracer)

/**
 * Makes a `withSpan` that does nothing unless spans are exported. On the hot path of conversions, a span costs as much
 * time as the work inside it.
 */
export const make = Effect.map(
  isExported,
  (isExported) =>
    (name: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      isExported ? Effect.withSpan(effect, name) : effect
)

import { Effect, Tracer } from "effect"

/** Whether spans are sent to somebody. */
export const isSent = Effect.map(Tracer.Tracer, (tracer) => tracer !== Tracer.nativeTracer)

/**
 * Spans around effects, where spans are sent to somebody. Elsewhere there is none: on the way of every conversion, it would
 * cost as much as the work that it tells of.
 */
export const make = Effect.map(
  isSent,
  (isSent) =>
    (name: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      isSent ? Effect.withSpan(effect, name) : effect
)

import { type Duration, Effect, Fiber, Layer, Scope } from "effect"

/** A layer whose release is waited for no longer than this: what it takes its leave of may not answer. */
export const releasedWithin =
  (limit: Duration.Duration) =>
  <A, E, R>(layer: Layer.Layer<A, E, R>) =>
    Layer.effectContext(
      Effect.gen(function* () {
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) =>
          Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true }).pipe(
            Effect.flatMap((leaving) =>
              Effect.timeoutOption(Effect.interruptible(Fiber.await(leaving)), limit)
            )
          )
        )
        return yield* Layer.buildWithScope(layer, scope)
      })
    )

import { type Duration, Effect, Fiber, Layer, Scope } from "effect"

/** Limits how long the release of a layer is awaited; a longer release continues in the background. */
export const withReleaseTimeout =
  (timeout: Duration.Duration) =>
  <A, E, R>(layer: Layer.Layer<A, E, R>) =>
    Layer.effectContext(
      Effect.gen(function* () {
        const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) =>
          Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true }).pipe(
            Effect.flatMap((release) =>
              Effect.timeoutOption(Effect.interruptible(Fiber.await(release)), timeout)
            )
          )
        )
        return yield* Layer.buildWithScope(layer, scope)
      })
    )

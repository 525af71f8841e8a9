import { Context, Effect, Latch, Layer } from "effect"

/**
 * Shutdown of the server in two phases. First the readiness check fails while requests are still served, so that load
 * balancers send new requests to other nodes. Then streams end, and the remaining requests finish.
 */
export class Drain extends Context.Service<
  Drain,
  {
    /** Starts the first phase: the readiness check fails. */
    readonly start: Effect.Effect<void>
    readonly isDraining: () => boolean
    /** Starts the second phase: streams end. */
    readonly endStreams: Effect.Effect<void>
    /** Waits for the second phase. */
    readonly awaitEndOfStreams: Effect.Effect<void>
  }
>()("effex/server/Drain") {
  static readonly layer = Layer.sync(Drain, () => {
    const streamsEnd = Latch.makeUnsafe()
    let isDraining = false
    return Drain.of({
      start: Effect.sync(() => {
        isDraining = true
      }),
      isDraining: () => isDraining,
      endStreams: Effect.asVoid(streamsEnd.open),
      awaitEndOfStreams: streamsEnd.await
    })
  })

  /** Starts the drain on release. Provide to it the layers that are to be released while the server still serves. */
  static readonly layerStartOnRelease = Layer.effectDiscard(
    Effect.flatMap(Drain, ({ start }) => Effect.addFinalizer(() => start))
  )
}

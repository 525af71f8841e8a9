import { Context, Effect, Latch, Layer } from "effect"

/**
 * How the server stops, in two phases. First it takes its leave: it serves as before, but says that it is not ready, so
 * that those who send requests here go elsewhere. Then streams end, and what is left can finish.
 */
export class Drain extends Context.Service<
  Drain,
  {
    readonly leave: Effect.Effect<void>
    readonly isLeaving: () => boolean
    readonly begin: Effect.Effect<void>
    /** Waits until the streams are to end. */
    readonly begun: Effect.Effect<void>
  }
>()("effex/server/Drain") {
  static readonly layer = Layer.sync(Drain, () => {
    const ending = Latch.makeUnsafe()
    let leaving = false
    return Drain.of({
      leave: Effect.sync(() => {
        leaving = true
      }),
      isLeaving: () => leaving,
      begin: Effect.asVoid(ending.open),
      begun: ending.await
    })
  })

  /** Takes leave when it is closed; so it stands above all that is given up while the server still answers. */
  static readonly layerLeaveOnClose = Layer.effectDiscard(
    Effect.flatMap(Drain, ({ leave }) => Effect.addFinalizer(() => leave))
  )
}

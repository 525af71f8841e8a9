import { Context, Effect, Latch, Layer } from "effect"

/** The moment at which the server is told to stop: streams end then, so that what is left can finish. */
export class Drain extends Context.Service<
  Drain,
  {
    /** Waits until the server is told to stop. */
    readonly begun: Effect.Effect<void>
    readonly begin: Effect.Effect<void>
  }
>()("effex/server/Drain") {
  static readonly layer = Layer.sync(Drain, () => {
    const latch = Latch.makeUnsafe()
    return Drain.of({ begun: latch.await, begin: Effect.asVoid(latch.open) })
  })

  /** Begins the drain when it is closed; so it stands above the server, which is closed after it. */
  static readonly layerOnClose = Layer.effectDiscard(
    Effect.flatMap(Drain, (drain) => Effect.addFinalizer(() => drain.begin))
  )
}

import { Context, Effect, Layer, Queue } from "effect"

/** Wakes the settlement of this process. Without a signal, and on other nodes, it looks for work every second. */
export class SettlementSignal extends Context.Service<
  SettlementSignal,
  {
    /** Call it after the commit of an order. */
    readonly notify: Effect.Effect<void>
    /** Waits for the next signal. Signals that nobody waited for count as one. */
    readonly wait: Effect.Effect<void>
  }
>()("effex/orders/SettlementSignal") {
  static readonly layer = Layer.effect(
    SettlementSignal,
    Effect.map(Queue.sliding<void>(1), (queue) =>
      SettlementSignal.of({
        notify: Effect.asVoid(Queue.offer(queue, undefined)),
        wait: Queue.take(queue)
      })
    )
  )
}

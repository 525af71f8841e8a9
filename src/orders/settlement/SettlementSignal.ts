import { Context, Effect, Layer, Queue, Schedule } from "effect"
import * as EffectRedis from "effect/persistence/Redis"
import { RedisKeys } from "../../platform/RedisKeys.ts"

const CHANNEL = "settlement"

/** Wakes the settlement, which otherwise looks for work every second. */
export class SettlementSignal extends Context.Service<
  SettlementSignal,
  {
    /** Call it after the commit of an order. */
    readonly notify: Effect.Effect<void>
    /** Waits for the next signal. Signals that nobody waited for count as one. */
    readonly wait: Effect.Effect<void>
  }
>()("effex/orders/settlement/SettlementSignal") {
  /** Wakes the settlement of this process. */
  static readonly layerMemory = Layer.effect(
    SettlementSignal,
    Effect.map(Queue.sliding<void>(1), (queue) =>
      SettlementSignal.of({
        notify: Effect.asVoid(Queue.offer(queue, undefined)),
        wait: Queue.take(queue)
      })
    )
  )

  /** Wakes the settlement of any node. A signal may be lost. */
  static readonly layerRedis = Layer.effect(
    SettlementSignal,
    Effect.gen(function* () {
      const redis = yield* EffectRedis.Redis
      const channel = (yield* RedisKeys).own(CHANNEL)
      const queue = yield* Queue.sliding<void>(1)
      const wake = Effect.asVoid(Queue.offer(queue, undefined))
      yield* redis.subscribe(channel).pipe(
        Effect.flatMap((messages) => Effect.forever(Effect.andThen(Queue.take(messages), wake))),
        Effect.scoped,
        Effect.ignoreCause,
        Effect.repeat(Schedule.spaced("1 second")),
        Effect.forkScoped
      )
      return SettlementSignal.of({
        // In the background, because the order of the caller is committed, and Redis may be slow.
        notify: Effect.andThen(
          wake,
          Effect.forkDetach(Effect.ignoreCause(redis.send("PUBLISH", channel, "order")))
        ).pipe(Effect.asVoid),
        wait: Queue.take(queue)
      })
    })
  )
}

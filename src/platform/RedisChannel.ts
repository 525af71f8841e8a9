import { Effect, Queue, Schedule } from "effect"
import { Redis } from "effect/persistence/Redis"
import { RedisKeys } from "./RedisKeys.ts"

/** Sends messages to all nodes. Some may be lost, so each node also reads the database. */
export interface RedisChannel {
  readonly publish: (message: string) => Effect.Effect<void>
  /** Receives messages until it is interrupted, and subscribes again when the connection is lost. */
  readonly subscribe: (onMessage: (message: string) => void) => Effect.Effect<unknown>
}

const RESUBSCRIBE_INTERVAL = "1 second"

/** Opens a channel of this deployment. */
export const make = Effect.fnUntraced(function* (name: string) {
  const redis = yield* Redis
  const channel = (yield* RedisKeys).own(name)
  return {
    publish: (message) => Effect.ignoreCause(redis.send("PUBLISH", channel, message)),
    subscribe: (onMessage) =>
      redis.subscribe(channel).pipe(
        Effect.flatMap((messages) =>
          Effect.forever(Effect.map(Queue.take(messages), ({ message }) => onMessage(message)))
        ),
        Effect.scoped,
        Effect.ignoreCause,
        Effect.repeat(Schedule.spaced(RESUBSCRIBE_INTERVAL))
      )
  } satisfies RedisChannel
})

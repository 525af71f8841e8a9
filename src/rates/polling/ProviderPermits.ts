import { Effect, Semaphore } from "effect"
import { setImmediate } from "node:timers/promises"
import type { WithPermit } from "../RateIngest.ts"

/**
 * Limits concurrent provider calls. A permit covers the call only, so that the next call does not wait until the answer
 * is stored.
 */
export const make = (concurrency: number): Effect.Effect<WithPermit> =>
  Effect.map(
    Semaphore.make(concurrency),
    (semaphore): WithPermit =>
      (call) =>
        Effect.flatMap(semaphore.take(1), () => {
          let isReleased = false
          const release = Effect.suspend(() => {
            if (isReleased) return Effect.void
            isReleased = true
            return Effect.asVoid(semaphore.release(1))
          })
          return Effect.ensuring(call(Effect.andThen(release, untilNextCallIsSent)), release)
        })
  )

/**
 * Lets the next call be sent before this process spends CPU on the answer: the request is created in the first turn of
 * the event loop, and written to the socket in the second.
 */
const untilNextCallIsSent = Effect.promise(async () => {
  await setImmediate()
  await setImmediate()
})

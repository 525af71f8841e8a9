import { Effect, Semaphore } from "effect"
import { TooManySignIns } from "../domain/accounts/Login.ts"

/** Bounds of the work of one node that begins with a password. */
export interface PasswordQueueBounds {
  /** Sign-ins and registrations in progress: they use the database before and after the hash. */
  readonly concurrency: number
  /** Those that wait. Each holds about 30 KB. */
  readonly maxWaiting: number
}

/** Work that begins with a password, in the order of arrival. */
export interface PasswordQueue {
  /** Runs the work after earlier work. Fails if too much is waiting. */
  readonly enqueue: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TooManySignIns, R>
}

/**
 * Makes a queue for sign-ins and registrations. Hashes are computed one after the other, so more sign-ins in progress would
 * not end sooner: they would only take memory, database connections and time of the event loop from other requests.
 */
export const make = ({ concurrency, maxWaiting }: PasswordQueueBounds): Effect.Effect<PasswordQueue> =>
  Effect.map(Semaphore.make(concurrency), (permits) => {
    let unfinished = 0
    const finish = Effect.sync(() => {
      unfinished--
    })
    return {
      // An interruption between the count and its finalizer would take the place for good.
      enqueue: <A, E, R>(work: Effect.Effect<A, E, R>) =>
        Effect.uninterruptibleMask((restore): Effect.Effect<A, E | TooManySignIns, R> => {
          if (unfinished >= concurrency + maxWaiting)
            return Effect.fail(new TooManySignIns({ waiting: maxWaiting }))
          unfinished++
          return Effect.ensuring(restore(permits.withPermit(work)), finish)
        })
    }
  })

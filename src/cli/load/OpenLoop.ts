import { Effect, Fiber, FiberSet, Random, Semaphore } from "effect"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import type { RequestFailed } from "./LoadClient.ts"
import type { Operation, Sample } from "./Samples.ts"

/**
 * Requests that may wait for a response at the same time, each on a connection of its own. A server closes connections of one
 * address beyond 1 000. Later requests are sent late, which their latency includes.
 */
const MAX_IN_FLIGHT = 500

/** Requests to send, and their rate. */
export interface Plan {
  readonly requests: number
  /** Requests per second. */
  readonly rate: number
  /** Chooses an operation by a number from 0 to 1. */
  readonly pick: (place: number) => Operation
  /** Performs the operation of a request, by its number. */
  readonly perform: (operation: Operation, index: number) => Effect.Effect<unknown, RequestFailed>
  readonly onProgress: (samples: ReadonlyArray<Sample>) => Effect.Effect<void>
}

/**
 * Sends requests at times that do not depend on the responses, and measures each from the time at which it was due. A server
 * that stalls does not slow down its own measurement, as it would if each client waited for its response ("coordinated
 * omission").
 */
export const run = Effect.fnUntraced(function* ({ onProgress, perform, pick, rate, requests }: Plan) {
  const samples: Array<Sample> = []
  const permits = yield* Semaphore.make(MAX_IN_FLIGHT)
  const inFlight = yield* FiberSet.make()
  const start = yield* MonotonicClock.millis

  const measure = Effect.fnUntraced(function* (operation: Operation, index: number, dueAt: number) {
    const failure = yield* perform(operation, index).pipe(
      Effect.as(undefined),
      Effect.catch(Effect.succeed),
      Effect.ensuring(permits.release(1))
    )
    const latency = (yield* MonotonicClock.millis) - start - dueAt
    samples.push({ operation, dueAt, latency, failure })
  })

  const progress = yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sleep("250 millis"),
        Effect.suspend(() => onProgress(samples))
      )
    )
  )
  for (let index = 0; index < requests; index++) {
    const dueAt = (index * 1000) / rate
    const early = dueAt - ((yield* MonotonicClock.millis) - start)
    if (early > 0) yield* Effect.sleep(early)
    yield* permits.take(1)
    yield* FiberSet.run(inFlight, measure(pick(yield* Random.next), index, dueAt))
  }
  yield* FiberSet.awaitEmpty(inFlight)
  const seconds = ((yield* MonotonicClock.millis) - start) / 1000
  yield* Fiber.interrupt(progress)
  yield* onProgress(samples)
  return { samples: samples.toSorted((a, b) => a.dueAt - b.dueAt), seconds }
}, Effect.scoped)

import { Effect, Layer, Option, Schedule } from "effect"
import type { Rate } from "../../domain/rates/Rate.ts"
import { RateCache } from "../lookup/RateCache.ts"
import { Broadcaster } from "./Broadcaster.ts"

const DATABASE_POLL_INTERVAL = "1 second"

/**
 * Synchronizes this process with the others: caches the rates of the stream, and publishes rates that are in the
 * database but not in the stream, such as those of a process that could not reach Redis.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const broadcaster = yield* Broadcaster
    const cache = yield* RateCache

    const isCached = ({ pair }: Rate) => Option.isSome(cache.peek(pair))
    const mailbox = yield* broadcaster.subscribe()
    const cacheNextEvents = Effect.map(mailbox.take, (events) => {
      for (const event of events) {
        if (event._tag === "RateChanged") cache.putLocal(event.rate)
        // A snapshot refreshes cached pairs only: pairs that this process has never looked up stay out of its memory.
        if (event._tag === "Snapshot") event.rates.filter(isCached).forEach(cache.putLocal)
      }
    })

    const publishMissing = Effect.map(broadcaster.synchronize, (rates) => rates.forEach(cache.putLocal))

    yield* Effect.forkScoped(Effect.forever(cacheNextEvents))
    yield* publishMissing.pipe(
      Effect.catch((error) =>
        Effect.logDebug("The database could not be checked for unpublished rates", error)
      ),
      Effect.catchDefect((defect) =>
        Effect.logError("The check for unpublished rates crashed, retrying", defect)
      ),
      Effect.repeat(Schedule.spaced(DATABASE_POLL_INTERVAL)),
      Effect.forkScoped
    )
  })
)

import { Effect, Layer, Option, Schedule } from "effect"
import { Settings } from "../../config/Settings.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import { Broadcaster } from "./Broadcaster.ts"
import { RateCache } from "../lookup/RateCache.ts"
import { RateRepo } from "../RateRepo.ts"

/** How long after another process stored a rate, and could not tell of it, this one does. */
const INTERVAL = "1 second"

/**
 * Keeps this process in step with the others: remembers what the stream tells, and tells what the database has and the
 * stream has not, whoever stored it.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { pairs } = yield* Settings
    const broadcaster = yield* Broadcaster
    const cache = yield* RateCache
    const repo = yield* RateRepo

    const isHeld = ({ pair }: Rate) => Option.isSome(cache.peek(pair))
    const mailbox = yield* broadcaster.subscribe()
    const remember = Effect.map(mailbox.take, (events) => {
      for (const event of events) {
        if (event._tag === "RateChanged") cache.remember(event.rate)
        // What nobody has looked up is not looked up here.
        if (event._tag === "Snapshot") event.rates.filter(isHeld).forEach(cache.remember)
      }
    })

    const follow = Effect.gen(function* () {
      const latest = yield* repo.latestIds
      for (const pair of pairs.all) {
        const id = latest.get(pair.key)
        if (id === undefined || id === broadcaster.newest(pair)?.id) continue
        const rate = yield* repo.latest(pair)
        if (Option.isNone(rate)) continue
        cache.remember(rate.value)
        yield* broadcaster.publish(rate.value)
      }
    })

    yield* Effect.forkScoped(Effect.forever(remember))
    yield* follow.pipe(
      Effect.catch((error) => Effect.logDebug("The database could not be followed", error)),
      Effect.repeat(Schedule.spaced(INTERVAL)),
      Effect.forkScoped
    )
  })
)

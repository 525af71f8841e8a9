import { Effect, Layer, Option, Schedule } from "effect"
import { Settings } from "../config/Settings.ts"
import { RateCache } from "./RateCache.ts"
import { RateRepo } from "./RateRepo.ts"

/** How long after another process stored a rate this one still answers with the one before. */
const INTERVAL = "1 second"

/** Keeps what this process remembers in step with the database, whoever writes there. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { pairs } = yield* Settings
    const cache = yield* RateCache
    const repo = yield* RateRepo

    const follow = Effect.gen(function* () {
      const latest = yield* repo.latestIds
      const behind = pairs.all.filter((pair) =>
        Option.exists(cache.peek(pair), (rate) => (latest.get(pair.key) ?? rate.id) !== rate.id)
      )
      for (const pair of behind) {
        const rate = yield* repo.latest(pair)
        if (Option.isSome(rate)) cache.remember(rate.value)
      }
    })

    yield* follow.pipe(
      Effect.catch((error) => Effect.logDebug("The database could not be followed", error)),
      Effect.repeat(Schedule.spaced(INTERVAL)),
      Effect.forkScoped
    )
  })
)

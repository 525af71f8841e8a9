import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as GuardReplay from "../simulation/GuardReplay.ts"

const DESTINATIONS = ["NGN", "EGP", "ETB", "GHS", "ZMW", "XOF"]

/** Seeds of the years, such as `GUARD_SEEDS=7,8,9`. */
const SEEDS = (process.env["GUARD_SEEDS"] ?? "1,2").split(",").map(Number)

describe("A year of hourly polls of 12 pairs", () => {
  for (const deployment of [GuardReplay.NO_QUOTE_TIMES, GuardReplay.QUOTE_TIMES, GuardReplay.TWO_PROVIDERS]) {
    for (const seed of SEEDS)
      it.effect(`serves no wrong rate with ${deployment.name} and seed ${seed}`, () =>
        Effect.gen(function* () {
          const figures = yield* GuardReplay.replay(deployment, { destinations: DESTINATIONS, seed })
          yield* Effect.logInfo(`${deployment.name}, seed ${seed}: ${JSON.stringify(figures)}`)
          assert.deepInclude(figures, { wrong: 0, beyondLimits: 0 })
          // Right rates are served, and each event gets through within a week.
          assert.isAbove(figures.served, figures.polls / 2)
          assert.isBelow(figures.refusedRight, figures.polls * 0.03)
          for (const [event, polls] of Object.entries(figures.longestWait)) assert.isAtMost(polls, 168, event)
        })
      )
  }
})

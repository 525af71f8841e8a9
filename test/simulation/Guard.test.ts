import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as GuardReplay from "./GuardReplay.ts"

/** The fewest pairs with triangles. `test/faults/GuardYears.test.ts` replays more pairs and seeds. */
const DESTINATIONS = ["NGN", "EGP", "GHS", "ZMW"]

describe("Simulation of hourly polls", () => {
  const cases = [
    [GuardReplay.NO_QUOTE_TIMES, 175],
    [GuardReplay.QUOTE_TIMES, 175],
    [GuardReplay.TWO_PROVIDERS, 365]
  ] as const
  for (const [deployment, days] of cases)
    it.effect(`serves no wrong rate in ${days} days with ${deployment.name}`, () =>
      Effect.gen(function* () {
        const figures = yield* GuardReplay.replay(deployment, { destinations: DESTINATIONS, seed: 1, days })
        assert.deepInclude(figures, { wrong: 0, beyondLimits: 0 })
        // Right rates are served, and each event gets through within a week.
        assert.isAbove(figures.served, figures.polls / 2)
        assert.isBelow(figures.refusedRight, figures.polls * 0.03)
        for (const [event, polls] of Object.entries(figures.longestWait)) assert.isAtMost(polls, 168, event)
      })
    )
})

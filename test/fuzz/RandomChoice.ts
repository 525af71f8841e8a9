import { Effect, Random } from "effect"

/** Seeded random choices: the same seed returns the same sequence. */
export interface RandomChoice {
  /** An integer from 0 up to, but not including, `limit`. */
  readonly below: (limit: number) => number
  /** True with a probability from 0 to 1. */
  readonly chance: (probability: number) => boolean
  /** One item of a non-empty list. */
  readonly pick: <A>(items: ReadonlyArray<A>) => A
}

/** Makes the random choices of a seed. */
export const make = (seed: string): Effect.Effect<RandomChoice> =>
  Effect.map(Random.Random, (random) => {
    const below = (limit: number) => Math.floor(random.nextDoubleUnsafe() * limit)
    return {
      below,
      chance: (probability) => random.nextDoubleUnsafe() < probability,
      pick: <A>(items: ReadonlyArray<A>): A => {
        for (const picked of items.slice(below(items.length))) return picked
        throw new Error("Cannot pick from an empty list")
      }
    } satisfies RandomChoice
  }).pipe(Random.withSeed(seed))

import { Effect, Random } from "effect"

/** Chance that a seed decides: the same seed throws the same. */
export interface RandomChoice {
  /** A whole number from 0 to before `limit`. */
  readonly below: (limit: number) => number
  /** True this often: never at 0, always at 1. */
  readonly chance: (often: number) => boolean
  /** One of some, of which there is at least one. */
  readonly pick: <A>(some: ReadonlyArray<A>) => A
}

/** The dice of a seed. */
export const make = (seed: string): Effect.Effect<RandomChoice> =>
  Effect.map(Random.Random, (random) => {
    const below = (limit: number) => Math.floor(random.nextDoubleUnsafe() * limit)
    return {
      below,
      chance: (often) => random.nextDoubleUnsafe() < often,
      pick: <A>(some: ReadonlyArray<A>): A => {
        for (const picked of some.slice(below(some.length))) return picked
        throw new Error("There is nothing to pick from")
      }
    } satisfies RandomChoice
  }).pipe(Random.withSeed(seed))

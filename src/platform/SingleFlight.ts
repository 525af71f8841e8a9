import { Effect, type Fiber, FiberMap, Option } from "effect"

/**
 * Shares one run of an effect between concurrent callers with the same key. The fiber belongs to the scope: it continues
 * when its callers are interrupted.
 */
export const make = Effect.fnUntraced(function* <A, E>() {
  const flights = yield* FiberMap.make<string, A, E>()
  return <R>(key: string, effect: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
    Effect.suspend(() => {
      const flight = FiberMap.getUnsafe(flights, key)
      return Option.isSome(flight) ? Effect.succeed(flight.value) : FiberMap.run(flights, key, effect)
    })
})

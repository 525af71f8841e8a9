import { Effect, type Fiber, FiberMap, Option } from "effect"

/**
 * Runs work once for all who ask for the same key while it is under way. The fiber belongs to nobody who asks: it goes
 * on when they give up, and ends with the scope.
 */
export const make = Effect.fnUntraced(function* <A, E>() {
  const flights = yield* FiberMap.make<string, A, E>()
  return <R>(key: string, work: Effect.Effect<A, E, R>): Effect.Effect<Fiber.Fiber<A, E>, never, R> =>
    Effect.suspend(() => {
      const underWay = FiberMap.getUnsafe(flights, key)
      return Option.isSome(underWay) ? Effect.succeed(underWay.value) : FiberMap.run(flights, key, work)
    })
})

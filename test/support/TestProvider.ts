import { Context, DateTime, type Duration, Effect, Layer, Ref } from "effect"
import type { AssetPair } from "../../src/domain/money/AssetPair.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { ProviderError, Unreachable } from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import { tick } from "./RateTicks.ts"

/** A rate provider with a configurable response that counts its calls. */
export class TestProvider extends Context.Service<
  TestProvider,
  {
    /** Sets the response to all further calls. */
    readonly respondWith: (response: Response) => Effect.Effect<void>
    readonly calls: Effect.Effect<number>
    /** Waits for a number of calls without advancing the test clock. */
    readonly awaitCalls: (count: number) => Effect.Effect<void>
  }
>()("effex/test/TestProvider") {
  static readonly layer = Layer.unwrap(
    Effect.gen(function* () {
      const response = yield* Ref.make<Response>(rate("1500"))
      const calls = yield* Ref.make(0)
      const provider = RateProvider.layerTest("test", (pair) =>
        Ref.update(calls, (count) => count + 1).pipe(
          Effect.andThen(Ref.get(response)),
          Effect.flatMap((respond) => respond(pair))
        )
      )
      const control = TestProvider.of({
        respondWith: (next) => Ref.set(response, next),
        calls: Ref.get(calls),
        awaitCalls: Effect.fnUntraced(function* (count) {
          while ((yield* Ref.get(calls)) < count) yield* realPause
        })
      })
      return Layer.merge(provider, Layer.succeed(TestProvider, control))
    })
  )
}

/** Gives sockets real time. */
const realPause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

type Response = (pair: AssetPair) => Effect.Effect<RateTick, ProviderError>

export const rate =
  (value: string): Response =>
  (pair) =>
    tick(pair.from, pair.to, value)

/** A rate that the provider quoted a time ago. */
export const quotedBefore =
  (age: Duration.Input, value: string): Response =>
  (pair) =>
    Effect.map(tick(pair.from, pair.to, value), (found) => ({
      ...found,
      quotedAt: DateTime.subtractDuration(found.observedAt, age)
    }))

export const failing: Response = (pair) =>
  Effect.fail(
    new ProviderError({ provider: "test", pair, reason: new Unreachable({ detail: "connection refused" }) })
  )

export const hanging: Response = () => Effect.never

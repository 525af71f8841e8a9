import { Context, Effect, Layer, Ref } from "effect"
import type { CurrencyPair } from "../../src/domain/money/CurrencyPair.ts"
import type { RateTick } from "../../src/domain/rates/Rate.ts"
import { ProviderError, Unreachable } from "../../src/providers/ProviderError.ts"
import { RateProvider } from "../../src/providers/RateProvider.ts"
import { tick } from "./RateTicks.ts"

/** A provider that answers as the test says, and counts how often it was asked. */
export class TestProvider extends Context.Service<
  TestProvider,
  {
    readonly answer: (answer: Answer) => Effect.Effect<void>
    readonly calls: Effect.Effect<number>
    /** Waits until it was asked so often, while the clock of the test stands still. */
    readonly asked: (count: number) => Effect.Effect<void>
  }
>()("effex/test/TestProvider") {
  static readonly layer = Layer.unwrap(
    Effect.gen(function* () {
      const answer = yield* Ref.make<Answer>(rate("1500"))
      const calls = yield* Ref.make(0)
      const provider = RateProvider.layerTest((pair) =>
        Ref.update(calls, (count) => count + 1).pipe(
          Effect.andThen(Ref.get(answer)),
          Effect.flatMap((current) => current(pair))
        )
      )
      const control = TestProvider.of({
        answer: (next) => Ref.set(answer, next),
        calls: Ref.get(calls),
        asked: Effect.fnUntraced(function* (count) {
          while ((yield* Ref.get(calls)) < count) yield* pause
        })
      })
      return Layer.merge(provider, Layer.succeed(TestProvider, control))
    })
  )
}

/** Lets work that waits for real sockets go on. */
const pause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

type Answer = (pair: CurrencyPair) => Effect.Effect<RateTick, ProviderError>

export const rate =
  (value: string): Answer =>
  (pair) =>
    tick(pair.from, pair.to, value)

export const failing: Answer = (pair) =>
  Effect.fail(new ProviderError({ provider: "test", pair, reason: new Unreachable({ detail: "gone" }) }))

export const hanging: Answer = () => Effect.never

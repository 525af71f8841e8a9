import { Clock, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import type { AssetCode } from "../../domain/money/Asset.ts"
import { ExchangeClient } from "../../exchanges/ExchangeClient.ts"

/** Time for which an answer of the exchange is cached. */
const OPEN_FOR = Duration.seconds(30)
const UNKNOWN_FOR = Duration.seconds(5)
const CLOSED_FOR = Duration.minutes(1)

/** `unavailable`: the exchange does not answer. */
export type MarketState = "open" | "closed" | "unavailable"

/** Opening hours of the exchange. Caches its answers for a short time. */
export class MarketHours extends Context.Service<
  MarketHours,
  {
    /**
     * Returns true if the market of an asset is open. False while the exchange does not answer: orders then wait where they can
     * still be cancelled. True for an asset that the exchange refuses: its orders fail when they are sent.
     */
    readonly isOpen: (asset: AssetCode) => Effect.Effect<boolean>
    /** Like {@link isOpen}, and tells a closed market from an exchange that does not answer. */
    readonly stateOf: (asset: AssetCode) => Effect.Effect<MarketState>
  }
>()("effex/orders/settlement/MarketHours") {
  static readonly layer = Layer.effect(
    MarketHours,
    Effect.gen(function* () {
      const { terms } = yield* ExchangeClient
      const known = new Map<AssetCode, { readonly state: MarketState; readonly until: number }>()

      const ask = Effect.fnUntraced(function* (asset: AssetCode, now: number) {
        const answer = yield* terms(asset).pipe(
          Effect.map(({ isOpen, opensAt }) => ({
            state: isOpen ? ("open" as const) : ("closed" as const),
            until: isOpen
              ? now + Duration.toMillis(OPEN_FOR)
              : Math.min(
                  now + Duration.toMillis(CLOSED_FOR),
                  Option.match(opensAt, { onNone: () => Infinity, onSome: DateTime.toEpochMillis })
                )
          })),
          Effect.catchTags({
            ExchangeRefused: () => Effect.succeed({ state: "open" as const, until: now }),
            ExchangeUnknown: (error) =>
              Effect.as(Effect.logWarning(`Orders of ${asset} wait: ${error.message}`), {
                state: "unavailable" as const,
                until: now + Duration.toMillis(UNKNOWN_FOR)
              })
          })
        )
        known.set(asset, answer)
        return answer.state
      })

      const stateOf = Effect.fn("MarketHours.stateOf")(function* (asset: AssetCode) {
        const now = yield* Clock.currentTimeMillis
        const last = known.get(asset)
        return last !== undefined && now < last.until ? last.state : yield* ask(asset, now)
      })

      return MarketHours.of({
        stateOf,
        isOpen: (asset) => Effect.map(stateOf(asset), (state) => state === "open")
      })
    })
  )
}

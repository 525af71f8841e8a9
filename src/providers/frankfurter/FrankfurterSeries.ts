import { Context, DateTime, Effect, Layer, Schema } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as FrankfurterResponse from "./FrankfurterResponse.ts"
import { describe, ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"

/** Base currency of all requests: Frankfurter rounds rates below 1 to five decimals. */
export const PIVOT = AssetCode.make("USD")

/** Frankfurter did not return the rates of these days. */
export class SeriesUnavailable extends Schema.TaggedError<SeriesUnavailable>()("SeriesUnavailable", {
  from: Schema.String,
  to: Schema.String,
  reason: ProviderReason
}) {
  override get message(): string {
    return `Frankfurter returned no rates for ${this.from} to ${this.to}: ${describe(this.reason)}`
  }
}

/** A year of all currencies needs a third of this. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

const make = Effect.gen(function* () {
  const { frankfurterBaseUrl } = yield* Settings
  const http = yield* ProviderHttp.make({
    // Not the name in PROVIDERS, whose failover timeout would be too short for a year of rates.
    name: "frankfurter-series",
    secrets: [],
    maxBodyBytes: MAX_BODY_BYTES
  })

  const days = Effect.fn("FrankfurterSeries.days")(function* (
    currencies: ReadonlyArray<AssetCode>,
    first: DateTime.Utc,
    last: DateTime.Utc
  ) {
    const [from, to] = [dateOf(first), dateOf(last)]
    const request = HttpClientRequest.get(`${frankfurterBaseUrl}/rates`).pipe(
      HttpClientRequest.setUrlParams({ base: PIVOT, quotes: currencies.join(","), from, to }),
      HttpClientRequest.acceptJson
    )
    const tableRequest = { pivot: PIVOT, currencies, from, to }
    return yield* http
      .call(Effect.succeed(request), (response) =>
        Effect.fromResult(FrankfurterResponse.readDays(response, tableRequest))
      )
      .pipe(Effect.mapError((reason) => new SeriesUnavailable({ from, to, reason })))
  })

  return FrankfurterSeries.of({ days })
})

const dateOf = (day: DateTime.Utc) => DateTime.formatIso(day).slice(0, 10)

/** Frankfurter's historical daily rates. */
export class FrankfurterSeries extends Context.Service<
  FrankfurterSeries,
  {
    /**
     * Returns the quotes from one day to another, both included, oldest first, in units of each currency for one dollar.
     * Unknown currencies and days without rates are left out. Request at most a year per call.
     */
    readonly days: (
      currencies: ReadonlyArray<AssetCode>,
      from: DateTime.Utc,
      to: DateTime.Utc
    ) => Effect.Effect<ReadonlyArray<FrankfurterResponse.QuotedDay>, SeriesUnavailable>
  }
>()("effex/providers/frankfurter/FrankfurterSeries") {
  static readonly layer = Layer.effect(FrankfurterSeries, make)
}

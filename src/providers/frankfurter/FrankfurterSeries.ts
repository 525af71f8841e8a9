import { Context, DateTime, Effect, Layer, Schema } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import * as FrankfurterResponse from "./FrankfurterResponse.ts"
import { describe, ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"

/** The currency against which all others are asked for: Frankfurter rounds rates below 1 to five decimals. */
export const PIVOT = CurrencyCode.make("USD")

/** Frankfurter did not give the rates of these days. */
export class SeriesUnavailable extends Schema.TaggedError<SeriesUnavailable>()("SeriesUnavailable", {
  from: Schema.String,
  to: Schema.String,
  reason: ProviderReason
}) {
  override get message(): string {
    return `Frankfurter gave no rates for ${this.from} to ${this.to}: ${describe(this.reason)}`
  }
}

/** Frankfurter's daily rates of the past. */
export class FrankfurterSeries extends Context.Service<
  FrankfurterSeries,
  {
    /**
     * What it quotes from one day to another, both included, oldest first: units of each currency for one dollar.
     * Currencies and days that it does not have are left out. A year is as much as should be asked for at once.
     */
    readonly days: (
      currencies: ReadonlyArray<CurrencyCode>,
      from: DateTime.Utc,
      to: DateTime.Utc
    ) => Effect.Effect<ReadonlyArray<FrankfurterResponse.QuotedDay>, SeriesUnavailable>
  }
>()("effex/providers/frankfurter/FrankfurterSeries") {
  static readonly layer = Layer.effect(
    FrankfurterSeries,
    Effect.suspend(() => make)
  )
}

/** A year of every currency that it has takes a third of this. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

const make = Effect.gen(function* () {
  const { frankfurterBaseUrl } = yield* Settings
  const http = yield* ProviderHttp.make({
    // Not its name in PROVIDERS: a year takes longer than what a lookup that has another provider waits for.
    name: "frankfurter-series",
    secrets: [],
    maxBodyBytes: MAX_BODY_BYTES
  })

  const days = Effect.fn("FrankfurterSeries.days")(function* (
    currencies: ReadonlyArray<CurrencyCode>,
    first: DateTime.Utc,
    last: DateTime.Utc
  ) {
    const [from, to] = [dateOf(first), dateOf(last)]
    const request = HttpClientRequest.get(`${frankfurterBaseUrl}/rates`).pipe(
      HttpClientRequest.setUrlParams({ base: PIVOT, quotes: currencies.join(","), from, to }),
      HttpClientRequest.acceptJson
    )
    const asked = { pivot: PIVOT, currencies, from, to }
    return yield* http
      .call(Effect.succeed(request), (response) =>
        Effect.fromResult(FrankfurterResponse.readDays(response, asked))
      )
      .pipe(Effect.mapError((reason) => new SeriesUnavailable({ from, to, reason })))
  })

  return FrankfurterSeries.of({ days })
})

const dateOf = (day: DateTime.Utc) => DateTime.formatIso(day).slice(0, 10)

import { BigDecimal, Cache, Clock, DateTime, Duration, Effect, Exit, Option, Redacted, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { RateTick } from "../../domain/rates/Rate.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import * as FlutterwaveV4Response from "./FlutterwaveV4Response.ts"
import { ProviderError, type ProviderReason } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import type { RateSource } from "../RateSource.ts"

const NAME = "flutterwave-v4"
/** Decimals of the amounts, as recommended by the documentation. */
const PRECISION = 9

/** Makes the source for `POST /transfers/rates` at `FLUTTERWAVE_V4_BASE_URL`, with tokens of `FLUTTERWAVE_TOKEN_URL`. */
export const make = Effect.gen(function* () {
  const settings = yield* Settings
  const { flutterwaveAmount: amount, flutterwaveTokenUrl, flutterwaveV4BaseUrl } = settings
  const clientId = Option.getOrElse(settings.flutterwaveClientId, () => Redacted.make(""))
  const clientSecret = Option.getOrElse(settings.flutterwaveClientSecret, () => Redacted.make(""))
  const random = yield* SecureRandom.SecureRandom
  const http = yield* ProviderHttp.make({ name: NAME, secrets: [clientId, clientSecret] })

  const tokenRequest = HttpClientRequest.post(flutterwaveTokenUrl).pipe(
    HttpClientRequest.bodyUrlParams({
      client_id: clientId,
      client_secret: clientSecret,
      grant_type: "client_credentials"
    }),
    HttpClientRequest.acceptJson
  )
  const clock = yield* Clock.Clock
  const monotonicClock = MonotonicClock.make(clock)

  /** Token shared by all requests; concurrent callers share one fetch. Expires by the monotonic clock. */
  const tokens = yield* Cache.makeWith<"token", FlutterwaveV4Response.Token, ProviderReason>(
    () =>
      http
        .exchange(Effect.succeed(tokenRequest), (response) =>
          Effect.fromResult(FlutterwaveV4Response.readToken(response))
        )
        .pipe(Effect.provideService(Clock.Clock, clock)),
    { capacity: 1, timeToLive: (exit) => (Exit.isSuccess(exit) ? exit.value.lifetime : Duration.zero) }
  )

  const request = Effect.fnUntraced(function* (pair: AssetPair, token: FlutterwaveV4Response.Token) {
    return HttpClientRequest.post(`${flutterwaveV4BaseUrl}/transfers/rates`).pipe(
      HttpClientRequest.bearerToken(token.bearer),
      // A new key for each attempt: a repeated key returns the earlier rate.
      HttpClientRequest.setHeaders({
        "x-idempotency-key": yield* random.uuidV4(),
        "x-trace-id": yield* random.uuidV4()
      }),
      HttpClientRequest.bodyJsonUnsafe({
        source: { currency: pair.from },
        destination: { currency: pair.to, amount },
        precision: PRECISION
      }),
      HttpClientRequest.acceptJson
    )
  })

  const read = (pair: AssetPair) =>
    Effect.fnUntraced(function* (response: ProviderResponse) {
      const quotationRequest = { pair, amount: BigDecimal.fromStringUnsafe(amount) }
      const quotation = yield* Effect.fromResult(FlutterwaveV4Response.read(response, quotationRequest))
      const tick: RateTick = {
        pair,
        rate: quotation.rate,
        sourceAmount: quotation.sourceAmount,
        destinationAmount: quotation.destinationAmount,
        providerRate: quotation.providerRate,
        provider: NAME,
        raw: response.body,
        observedAt: yield* DateTime.now,
        quotedAt: quotation.quotedAt
      }
      return tick
    })

  /** Requests a rate, and retries once with a new token if Flutterwave rejects the token before it expires. */
  const requestRate = Effect.fnUntraced(function* (pair: AssetPair) {
    const usedToken = yield* Ref.make(Option.none<FlutterwaveV4Response.Token>())
    const withToken = Ref.set(usedToken, Option.none()).pipe(
      Effect.andThen(Effect.provideService(Cache.get(tokens, "token"), Clock.Clock, monotonicClock)),
      Effect.tap((token) => Ref.set(usedToken, Option.some(token))),
      Effect.flatMap((token) => request(pair, token))
    )
    const call = http.call(withToken, read(pair))
    return yield* Effect.catchTag(call, "Refused", (refused) =>
      Effect.flatMap(Ref.get(usedToken), (token) =>
        refused.status === 401 && Option.isSome(token)
          ? Effect.andThen(
              Cache.invalidateWhen(tokens, "token", (cached) => cached === token.value),
              call
            )
          : Effect.fail(refused)
      )
    )
  })

  const rate = Effect.fn("FlutterwaveV4Client.rate")(function* (pair: AssetPair) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    return yield* Effect.mapError(
      requestRate(pair),
      (reason) => new ProviderError({ provider: NAME, pair, reason })
    )
  })

  return { name: NAME, rate } satisfies RateSource["Service"]
})

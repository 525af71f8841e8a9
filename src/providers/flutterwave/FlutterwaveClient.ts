import { BigDecimal, Context, DateTime, Effect, Layer, Metric, Option, Redacted, Ref } from "effect"
import { HttpClientRequest } from "effect/http"
import { Settings } from "../../config/Settings.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import { type RateTick, SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import * as ProviderMetrics from "../../platform/metrics/ProviderMetrics.ts"
import * as FlutterwaveResponse from "./FlutterwaveResponse.ts"
import type { Quotation } from "./FlutterwaveQuotation.ts"
import { ProviderError } from "../ProviderError.ts"
import * as ProviderHttp from "../ProviderHttp.ts"
import type { ProviderResponse } from "../ProviderResponse.ts"
import type { RateSource } from "../RateSource.ts"
import * as Sandbox from "../sandbox/Sandbox.ts"

const makeClient = Effect.fnUntraced(function* (name: string, baseUrl: string, secretKey: Redacted.Redacted) {
  const { flutterwaveAmount: amount } = yield* Settings
  const http = yield* ProviderHttp.make({ name, secrets: [secretKey] })
  const isInverseLogged = yield* Ref.make(false)

  const reportConvention = Effect.fnUntraced(function* (quotation: Quotation) {
    if (quotation.convention === "direct") return
    yield* Metric.update(ProviderMetrics.inverseConvention, 1)
    if (yield* Ref.getAndSet(isInverseLogged, true)) return
    yield* Effect.logWarning(
      "Flutterwave uses the inverse rate convention of before April 2026; rates are computed from the amounts and remain correct"
    )
  })

  const request = (pair: AssetPair) =>
    HttpClientRequest.get(`${baseUrl}/v3/transfers/rates`).pipe(
      HttpClientRequest.setUrlParams({ amount, source_currency: pair.from, destination_currency: pair.to }),
      HttpClientRequest.bearerToken(secretKey),
      HttpClientRequest.acceptJson
    )

  const read = (pair: AssetPair) =>
    Effect.fnUntraced(function* (response: ProviderResponse) {
      const quotationRequest = { pair, amount: BigDecimal.fromStringUnsafe(amount) }
      const { body, retryAfter, status } = response
      if (status < 200 || status >= 300) {
        return yield* FlutterwaveResponse.readError(status, body, retryAfter)
      }
      const quotation = yield* Effect.fromResult(FlutterwaveResponse.read(body, quotationRequest))
      yield* reportConvention(quotation)
      const tick: RateTick = {
        pair,
        rate: quotation.rate,
        sourceAmount: quotation.sourceAmount,
        destinationAmount: quotation.destinationAmount,
        providerRate: quotation.providerRate,
        provider: response.headers[Sandbox.HEADER] === undefined ? name : SANDBOX_PROVIDER,
        raw: body,
        observedAt: yield* DateTime.now
      }
      return tick
    })

  const rate = Effect.fn("FlutterwaveClient.rate")(function* (pair: AssetPair) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    return yield* http
      .call(Effect.succeed(request(pair)), read(pair))
      .pipe(Effect.mapError((reason) => new ProviderError({ provider: name, pair, reason })))
  })

  return { name, rate } satisfies RateSource["Service"]
})

const make = Effect.gen(function* () {
  const { flutterwaveBaseUrl, flutterwaveSecretKey } = yield* Settings
  const key = Option.getOrElse(flutterwaveSecretKey, () => Redacted.make(""))
  return yield* makeClient("flutterwave", flutterwaveBaseUrl, key)
})

const makeSandbox = Effect.gen(function* () {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  return yield* makeClient(SANDBOX_PROVIDER, sandbox.baseUrl, Redacted.make(Sandbox.SECRET_KEY))
})

/**
 * Flutterwave's `GET /v3/transfers/rates`. A rate is in units of `pair.to` for one unit of `pair.from`, computed from the
 * amounts of the response.
 */
export class FlutterwaveClient extends Context.Service<FlutterwaveClient, RateSource["Service"]>()(
  "effex/providers/flutterwave/FlutterwaveClient"
) {
  /** Flutterwave at `FLUTTERWAVE_BASE_URL`. */
  static readonly layer = Layer.effect(FlutterwaveClient, make)

  /** The sandbox, on a free local port. */
  static readonly layerSandbox = Layer.effect(FlutterwaveClient, makeSandbox)

  /** The sandbox without a secret key, Flutterwave otherwise. */
  static readonly layerSettings = Layer.unwrap(
    Effect.map(Settings, ({ sandbox }) =>
      sandbox ? FlutterwaveClient.layerSandbox : FlutterwaveClient.layer
    )
  )
}

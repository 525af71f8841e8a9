import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Clock, Duration, Effect, Layer, Option, Ref } from "effect"
import { SecureRandom } from "effect/crypto"
import { HttpClient } from "effect/http"
import type { ProviderName } from "../../config/SettingDefinitions.ts"
import { Settings } from "../../config/Settings.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { FlutterwaveClient } from "../../providers/flutterwave/FlutterwaveClient.ts"
import { describe, type ProviderReason } from "../../providers/ProviderError.ts"
import { RateSources } from "../../providers/RateSources.ts"
import { clockResult, failed, ok, warning } from "./CheckResult.ts"

const PROVIDER_TIMEOUT = Duration.seconds(6)

/** Requests one rate from each provider. */
export const run = Effect.gen(function* () {
  const { providers } = yield* Settings
  const found = yield* Effect.forEach(providers, checkProvider, { concurrency: "unbounded" })
  return found.flat()
})

/** Clock offset of the last responding server, in milliseconds. */
type ClockOffset = Ref.Ref<Option.Option<number>>

const checkProvider = Effect.fnUntraced(function* (name: ProviderName) {
  const settings = yield* Settings
  const clockOffset: ClockOffset = yield* Ref.make(Option.none<number>())
  const singleProvider = Settings.of({ ...settings, providers: [name] })
  const result = yield* requestRate(name).pipe(
    Effect.provide(
      RateSources.layer.pipe(
        Layer.provide(FlutterwaveClient.layerSettings),
        Layer.provide([client(clockOffset), PollCadence.layerSettings, SecureRandom.layerWebCrypto]),
        Layer.provideMerge(Layer.succeed(Settings, singleProvider))
      )
    )
  )
  const offset = yield* Ref.get(clockOffset)
  return [
    result,
    ...Option.toArray(Option.map(offset, (millis) => clockResult(`${name} clock`, "its clock", millis)))
  ]
})

const requestRate = Effect.fnUntraced(function* (name: ProviderName) {
  const { pairs, sandbox } = yield* Settings
  const [source] = yield* RateSources
  const [pair] = pairs.all
  const check = `provider ${name}`
  if (pair === undefined) return warning(check, "no pair is configured", "Set RATE_DESTINATIONS")
  return yield* source.rate(pair).pipe(
    Effect.map(({ rate }) =>
      sandbox
        ? warning(check, "the built-in sandbox is used; its rates are not real", "Set FLUTTERWAVE_SECRET_KEY")
        : ok(check, `${pair.key} is ${Decimal.format(rate)}`)
    ),
    Effect.catch(({ reason }) =>
      Effect.succeed(failed(check, `${reason._tag}: ${describe(reason)}`, adviceOn(reason)))
    ),
    Effect.timeoutOrElse({
      duration: PROVIDER_TIMEOUT,
      orElse: () =>
        Effect.succeed(
          failed(check, `no response within ${Duration.format(PROVIDER_TIMEOUT)}`, UNREACHABLE_ADVICE)
        )
    })
  )
})

const UNREACHABLE_ADVICE = "Check the URL, DNS, and firewalls or proxies in between"

const adviceOn = (reason: ProviderReason) => {
  switch (reason._tag) {
    case "Refused":
      return "Check the key, the IP allowlist and the permissions of the account at the provider"
    case "NotQuoted":
      return "Remove the currency from RATE_SOURCES or RATE_DESTINATIONS, or add a provider that quotes it"
    case "RateLimited":
      return "Wait, then raise POLL_SPACING or the poll interval"
    case "Unreachable":
      return UNREACHABLE_ADVICE
    default:
      return "If the URL is right, the provider has a problem; see its status page"
  }
}

/** Records the `Date` header of responses, which has a resolution of one second. */
const client = (clockOffset: ClockOffset) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tap(
        Effect.fnUntraced(function* ({ headers }) {
          const date = Date.parse(headers["date"] ?? "")
          if (Number.isNaN(date)) return
          yield* Ref.set(clockOffset, Option.some(date + 500 - (yield* Clock.currentTimeMillis)))
        })
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))

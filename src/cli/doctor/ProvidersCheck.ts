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
import { clock, failed, ok, warning } from "./Finding.ts"

/** How long a provider may take to say one rate. */
const PATIENCE = Duration.seconds(6)

/** What each provider says to one request. */
export const examine = Effect.gen(function* () {
  const { providers } = yield* Settings
  const found = yield* Effect.forEach(providers, examineOne, { concurrency: "unbounded" })
  return found.flat()
})

/** By how many milliseconds the clock of whoever answered last was ahead. */
type Ahead = Ref.Ref<Option.Option<number>>

const examineOne = Effect.fnUntraced(function* (name: ProviderName) {
  const settings = yield* Settings
  const ahead: Ahead = yield* Ref.make(Option.none<number>())
  const alone = Settings.of({ ...settings, providers: [name] })
  const finding = yield* ask(name).pipe(
    Effect.provide(
      RateSources.layer.pipe(
        Layer.provide(FlutterwaveClient.layerSettings),
        Layer.provide([client(ahead), PollCadence.layerSettings, SecureRandom.layerWebCrypto]),
        Layer.provideMerge(Layer.succeed(Settings, alone))
      )
    )
  )
  const difference = yield* Ref.get(ahead)
  return [
    finding,
    ...Option.toArray(Option.map(difference, (millis) => clock(`${name} clock`, "its clock", millis)))
  ]
})

const ask = Effect.fnUntraced(function* (name: ProviderName) {
  const { pairs, sandbox } = yield* Settings
  const [source] = yield* RateSources
  const [pair] = pairs.all
  const check = `provider ${name}`
  if (pair === undefined) return warning(check, "there is no pair to ask for", "Set RATE_DESTINATIONS")
  return yield* source.rate(pair).pipe(
    Effect.map(({ rate }) =>
      sandbox
        ? warning(
            check,
            "the built-in sandbox answers, and its rates are made up",
            "Set FLUTTERWAVE_SECRET_KEY"
          )
        : ok(check, `${pair.key} is ${Decimal.format(rate)}`)
    ),
    Effect.catch(({ reason }) =>
      Effect.succeed(failed(check, `${reason._tag}: ${describe(reason)}`, adviceOn(reason)))
    ),
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () =>
        Effect.succeed(failed(check, `nothing within ${Duration.format(PATIENCE)}`, UNREACHABLE_ADVICE))
    })
  )
})

const UNREACHABLE_ADVICE = "Look at its address, at DNS, and at whether a firewall or a proxy is in the way"

const adviceOn = (reason: ProviderReason) => {
  switch (reason._tag) {
    case "Refused":
      return "Look at the key, at whether this address is on the provider's list, and at what the account may do"
    case "RateLimited":
      return "Wait, and raise POLL_SPACING or the interval of polls"
    case "Unreachable":
      return UNREACHABLE_ADVICE
    default:
      return "It is on the provider's side, where its address is the right one: see its status page"
  }
}

/** Notes the `Date` of what comes back, which is exact to the second. */
const client = (ahead: Ahead) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tap(
        Effect.fnUntraced(function* ({ headers }) {
          const date = Date.parse(headers["date"] ?? "")
          if (Number.isNaN(date)) return
          yield* Ref.set(ahead, Option.some(date + 500 - (yield* Clock.currentTimeMillis)))
        })
      )
    )
  ).pipe(Layer.provide(NodeHttpClient.layerUndici))

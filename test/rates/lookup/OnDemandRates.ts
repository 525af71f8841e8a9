import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import * as App from "../../../src/App.ts"
import { FlutterwaveClient } from "../../../src/providers/flutterwave/FlutterwaveClient.ts"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { PollerSettings } from "../../../src/rates/polling/PollerSettings.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const flutterwave = FlutterwaveClient.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))

const services = App.rates.pipe(
  Layer.provideMerge(App.rateFoundation),
  Layer.provideMerge(App.providers.pipe(Layer.provide(flutterwave))),
  Layer.provideMerge(Layer.merge(Layer.mock(PollerSettings, {}), SecureRandom.layerWebCrypto))
)

/** Services of a node. */
export type Services = Layer.Success<typeof services>

/** The app's rate services of a new node that uses the Flutterwave at `baseUrl`. Requires the database. */
export const node = (baseUrl: string, env: Readonly<Record<string, string>> = {}) =>
  Layer.fresh(
    Layer.provideMerge(
      services,
      TestSettings.layer({
        FLUTTERWAVE_BASE_URL: baseUrl,
        FLUTTERWAVE_SECRET_KEY: "key",
        POLL_SPACING: "0 millis",
        ...env
      })
    )
  )

/** Runs a test on a new node. */
export const onNode = <A, E, R>(
  test: Effect.Effect<A, E, R>,
  baseUrl: string,
  env: Readonly<Record<string, string>> = {}
) => Effect.provide(test, node(baseUrl, env))

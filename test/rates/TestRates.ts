import { Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import * as App from "../../src/App.ts"
import type { RateProvider } from "../../src/providers/RateProvider.ts"
import { PollerSettings } from "../../src/rates/polling/PollerSettings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { TestProvider } from "../support/TestProvider.ts"
import * as TestSettings from "../support/TestSettings.ts"

type Env = Readonly<Record<string, string>>

/** The app's rate services with another provider. Requires the settings, the poll cadence and the database. */
export const withProvider = <A, E, R>(provider: Layer.Layer<A | RateProvider, E, R>) =>
  App.rates.pipe(
    Layer.provideMerge(App.rateFoundation),
    Layer.provideMerge(Layer.mergeAll(provider, Layer.mock(PollerSettings, {}), SecureRandom.layerWebCrypto))
  )

const rates = withProvider(TestProvider.layer)

/** The app's rate services with {@link TestProvider}, over a new database. */
export const layer = (env: Env = {}) => Layer.provideMerge(rates, TestDatabase.layer(env))

/** Services that {@link withOwnServices} provides. */
export type Services = Layer.Success<typeof rates>

/**
 * Runs a test with its own services and test clock, over the database that the tests of its file share. Such tests use
 * different pairs.
 */
export const withOwnServices = <A, E, R>(test: Effect.Effect<A, E, R>, env: Env = {}) =>
  Effect.provide(
    test,
    // Fresh, because the layer of the shared database has already built the settings.
    Layer.fresh(Layer.provideMerge(rates, TestSettings.layer(env))).pipe(
      Layer.provideMerge(TestClock.layer())
    )
  )

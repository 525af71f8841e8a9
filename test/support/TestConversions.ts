import { Layer } from "effect"
import * as App from "../../src/App.ts"
import { RateGuard } from "../../src/rates/guard/RateGuard.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { TestProvider } from "./TestProvider.ts"

/** The key that signs the audit in tests: 32 bytes in base64. */
export const SIGNING_KEY = Buffer.alloc(32, 7).toString("base64")

const world = App.foundation.pipe(
  Layer.provideMerge(TestProvider.layer),
  Layer.provideMerge(App.pollerSettings)
)

/** The app's features with a provider that the test controls. Requires the settings and the database. */
export const guardedFeatures = App.features.pipe(Layer.provideMerge(world))

/** {@link guardedFeatures} without the guard: every rate is accepted. */
export const features = App.features.pipe(
  Layer.provideMerge(Layer.succeed(RateGuard, { admit: (_, store) => store })),
  Layer.provideMerge(world)
)

/** {@link features} with settings from `env` and a new database. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  features.pipe(Layer.provideMerge(TestDatabase.layer({ AUDIT_SIGNING_KEY: SIGNING_KEY, ...env })))

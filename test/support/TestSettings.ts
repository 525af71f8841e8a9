import { ConfigProvider, Layer } from "effect"
import { Settings } from "../../src/config/Settings.ts"
import { PollCadence } from "../../src/platform/PollCadence.ts"
import * as TestCatalog from "./TestCatalog.ts"

/** Test providers answer with any rate for any pair. */
const ANY_FIRST_RATE = { GUARD_FIRST_RATE_FACTOR: "off" }

/** Settings of a test, with the poll cadence that they define, and a catalogue of all currencies. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  TestCatalog.layer().pipe(Layer.provideMerge(layerOnly({ ...ANY_FIRST_RATE, ...env })))

/** Settings of an environment that contains only `env`, with the poll cadence that they define. */
export const layerOnly = (env: Readonly<Record<string, string>>) =>
  PollCadence.layerSettings.pipe(Layer.provideMerge(settings(env)))

const settings = (env: Readonly<Record<string, string>>) =>
  Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

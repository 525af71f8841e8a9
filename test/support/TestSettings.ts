import { ConfigProvider, Layer } from "effect"
import { Settings } from "../../src/config/Settings.ts"
import { PollCadence } from "../../src/platform/PollCadence.ts"

/** The settings of an environment in which nothing but `env` is set, and polls as these settings have them. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  PollCadence.layerSettings.pipe(Layer.provideMerge(settings(env)))

const settings = (env: Readonly<Record<string, string>>) =>
  Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

import { ConfigProvider, Layer } from "effect"
import { Settings } from "../../src/config/Settings.ts"

/** The settings of an environment in which nothing but `env` is set. */
export const layer = (env: Readonly<Record<string, string>> = {}) =>
  Settings.layer.pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env }))))

import { Context, Effect, Layer } from "effect"
import { Settings } from "../config/Settings.ts"
import { Database } from "./postgres/Database.ts"
import * as DatabaseIdentity from "./postgres/DatabaseIdentity.ts"
import type { StoreUnavailable } from "./postgres/StoreUnavailable.ts"

/**
 * Names of the keys in Redis. Rates have well-known names, which other deployments on the same Redis may write too, so
 * their values carry the identity of the database. All other names contain it, so that deployments never share them.
 */
export class RedisKeys extends Context.Service<
  RedisKeys,
  {
    /** Identity of this deployment's database. */
    readonly database: string
    /** Name of a rate, such as `fxrate:USD:NGN`. */
    readonly rate: (pair: string) => string
    /** Name of a key that only nodes of this deployment use, such as `effex:1f0c…:rates`. */
    readonly own: (name: string) => string
  }
>()("effex/platform/RedisKeys") {
  /** Keys of the deployment whose database has the given identity. */
  static readonly layerOf = (database: string): Layer.Layer<RedisKeys, never, Settings> =>
    Layer.effect(
      RedisKeys,
      Effect.map(Settings, ({ redisPrefix }) =>
        RedisKeys.of({
          database,
          rate: (pair) => `${redisPrefix}fxrate:${pair}`,
          own: (name) => `${redisPrefix}effex:${database}:${name}`
        })
      )
    )

  static readonly layer: Layer.Layer<RedisKeys, StoreUnavailable, Settings | Database> = Layer.unwrap(
    Effect.map(Effect.flatMap(Database, DatabaseIdentity.read), RedisKeys.layerOf)
  )
}

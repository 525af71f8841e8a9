import { Effect, Layer, Option } from "effect"
import type * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../config/Settings.ts"
import { Redis, type RedisNotConfigured } from "../platform/Redis.ts"
import { RedisKeys } from "../platform/RedisKeys.ts"
import type { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** Uses Redis if `REDIS_URL` is set, and the memory of the process otherwise. Nothing else makes this choice. */
export const redisOrMemory = <A, E, R, E2, R2>(
  redis: Layer.Layer<A, E, R>,
  memory: Layer.Layer<A, E2, R2>
): Layer.Layer<
  A,
  E | E2 | RedisNotConfigured | StoreUnavailable,
  Exclude<R, RedisServices> | R2 | Settings | Database
> =>
  Layer.unwrap(
    Effect.map(
      Settings,
      ({
        redisUrl
      }): Layer.Layer<
        A,
        E | E2 | RedisNotConfigured | StoreUnavailable,
        Exclude<R, RedisServices> | R2 | Settings | Database
      > => (Option.isSome(redisUrl) ? redis.pipe(Layer.provide([Redis.layer, RedisKeys.layer])) : memory)
    )
  )

type RedisServices = Redis | EffectRedis.Redis | RedisKeys

export type RedisError = RedisNotConfigured | StoreUnavailable

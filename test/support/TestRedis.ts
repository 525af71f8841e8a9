import { Layer } from "effect"
import { inject } from "@effect/vitest"
import { Redis } from "../../src/platform/Redis.ts"

/** Whether the run has a Redis; where it has none, `GlobalSetup` has said how to get it. */
export const isAvailable = inject("redis") !== ""

export const env = { REDIS_URL: inject("redis") }

/** A database of the run's Redis, for tests whose keys would be in the way of others. */
export const envOf = (database: number) => ({
  REDIS_URL: `${env.REDIS_URL.replace(/\/\d*$/, "")}/${database}`
})

/** The run's Redis. Test files share it: each uses pairs of its own. */
export const layer = Layer.suspend(() => Redis.layer)

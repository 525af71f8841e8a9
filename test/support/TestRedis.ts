import { Layer } from "effect"
import { inject } from "@effect/vitest"
import { Redis } from "../../src/platform/Redis.ts"

/** Whether the run has a Redis; where it has none, `GlobalSetup` has said how to get it. */
export const isAvailable = inject("redis") !== ""

export const env = { REDIS_URL: inject("redis") }

/** The run's Redis. Test files share it: each uses pairs of its own. */
export const layer = Layer.suspend(() => Redis.layer)

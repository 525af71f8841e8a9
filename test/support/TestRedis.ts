import { Effect, Layer } from "effect"
import { inject } from "@effect/vitest"
import { Redis as Client } from "ioredis"
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

/** One of the databases of the run's Redis, emptied, and a client of it. Each test file uses a number of its own. */
export const database = Effect.fnUntraced(function* (number: number) {
  const { hostname, port } = new URL(env.REDIS_URL)
  const urlAt = (at: string | number) => `redis://${hostname}:${at}/${number}`
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Client(urlAt(port))),
    (client) => Effect.sync(() => client.disconnect())
  )
  const call = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.promise(() => client.call(command, ...args))
  yield* call("FLUSHDB")

  /** What some keys hold, to be put back later. */
  const save = (...keys: ReadonlyArray<string>) =>
    Effect.forEach(keys, (key) =>
      Effect.map(
        Effect.promise(() => client.dumpBuffer(key)),
        (value) => ({ key, value })
      )
    )
  const restore = (saved: Effect.Success<ReturnType<typeof save>>) =>
    Effect.forEach(saved, ({ key, value }) =>
      Effect.promise(() => client.restore(key, 0, value ?? "", "REPLACE"))
    )
  return {
    save,
    restore,
    url: urlAt(port),
    urlAt,
    target: { host: hostname, port: Number(port) },
    call
  }
})

import { Effect, Layer } from "effect"
import { inject } from "@effect/vitest"
import { Redis as Client } from "ioredis"
import { Redis } from "../../src/platform/Redis.ts"

/** True if the test run has a Redis server. Otherwise `GlobalSetup` logs how to get one. */
export const isAvailable = inject("redis") !== ""

export const env = { REDIS_URL: inject("redis") }

/** Environment with a separate Redis database, for tests whose keys would conflict with others. */
export const envOf = (database: number) => ({
  REDIS_URL: `${env.REDIS_URL.replace(/\/\d*$/, "")}/${database}`
})

/** The Redis of the test run. Test files share it, so that each needs its own pairs. */
export const layer = Layer.suspend(() => Redis.layer)

/** Empties a database of the test run's Redis and connects to it. Each test file needs its own number. */
export const database = Effect.fnUntraced(function* (number: number) {
  const { hostname, port } = new URL(env.REDIS_URL)
  const urlAt = (port: string | number) => `redis://${hostname}:${port}/${number}`
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Client(urlAt(port))),
    (client) => Effect.sync(() => client.disconnect())
  )
  const call = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.promise(() => client.call(command, ...args))
  yield* call("FLUSHDB")

  /** Dumps keys, for `restore`. */
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

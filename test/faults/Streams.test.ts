import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Effex from "../support/Effex.ts"
import { eventually, open } from "../support/SocketClient.ts"

const READERS = 500
const PAIRS = 44

const many = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency: 50 })

describe("Streams of a real server", () => {
  it.live(
    "tell 500 readers of all 44 changes of a poll, at the same time",
    () =>
      Effect.gen(function* () {
        const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "4 seconds", POLL_SPACING: "1 millis" })
        const { url } = yield* Effex.serve(env)
        const arrivals = new Map<number, { first: number; last: number; count: number }>()
        let polls = 0
        const hear = (data: Buffer) => {
          const text = data.toString()
          if (text.startsWith('{"type":"all_rates_update"')) polls++
          if (!text.startsWith('{"type":"rate_update"')) return
          const sequence = Number(/"sequence":(\d+)/.exec(text)?.[1])
          const now = performance.now()
          const known = arrivals.get(sequence)
          if (known === undefined) arrivals.set(sequence, { first: now, last: now, count: 1 })
          else Object.assign(known, { last: now, count: known.count + 1 })
        }
        const readers = yield* many(READERS, open(`${url}/ws/rates/`))
        yield* Effect.forEach(readers, ({ next }) => next, { concurrency: 50 })
        for (const { webSocket } of readers) webSocket.on("message", hear)

        // The first one may have begun before all of them were there.
        yield* eventually("second poll, told to all", () => polls >= 2 * READERS || undefined, 20_000)
        const told = Array.from(arrivals.values()).slice(-PAIRS)
        assert.strictEqual(told.length, PAIRS)
        assert.isTrue(told.every(({ count }) => count === READERS))
        for (const { first, last } of told) assert.isBelow(last - first, 1000)
      }).pipe(Effect.scoped),
    120_000
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Effex from "../support/Effex.ts"
import { open } from "../support/SocketClient.ts"
import { eventually } from "../support/Waiters.ts"

const READERS = 500
const PAIRS = 44

const many = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { concurrency: 50 })

describe("WebSocket streams of a server process", () => {
  it.live(
    "deliver all 44 changes of a poll to 500 readers within a second of each other",
    () =>
      Effect.gen(function* () {
        const { env } = yield* Effex.makeSandbox({ POLL_INTERVAL: "4 seconds", POLL_SPACING: "1 millis" })
        const { url } = yield* Effex.serve(env)
        const arrivals = new Map<number, { first: number; last: number; count: number }>()
        let polls = 0
        const onMessage = (data: Buffer) => {
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
        for (const { webSocket } of readers) webSocket.on("message", onMessage)

        // The first poll may have started before all readers were connected.
        yield* eventually("second poll, received by all", () => polls >= 2 * READERS || undefined, 20_000)
        const changes = Array.from(arrivals.values()).slice(-PAIRS)
        assert.strictEqual(changes.length, PAIRS)
        assert.isTrue(changes.every(({ count }) => count === READERS))
        for (const { first, last } of changes) assert.isBelow(last - first, 1000)
      }).pipe(Effect.scoped),
    120_000
  )
})

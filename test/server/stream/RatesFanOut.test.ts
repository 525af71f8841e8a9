import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { EUR_GHS, USD_NGN, rate, USD_KES } from "../../support/SampleRates.ts"
import { open, type SocketClient } from "../../support/SocketClient.ts"
import { TestServer } from "../../support/TestServer.ts"

const live = { excludeTestServices: true }
/** Fewer changes than fill a socket buffer. */
const CHANGES = 90

const numbersOf = Effect.fnUntraced(function* (client: SocketClient, count: number) {
  const numbers: Array<number> = []
  while (numbers.length < count) {
    const { sequence, type } = yield* client.next
    assert.strictEqual(type, "rate_update")
    numbers.push(Number(sequence))
  }
  return numbers
})

layer(TestServer.layer(), live)("RatesFanOut", (it) => {
  it.effect("sends all changes of a burst, in order, to all subscribers", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const broadcaster = yield* Broadcaster
      const [all, filtered, resynced] = [
        yield* open(`${url}/ws/rates/`),
        yield* open(`${url}/ws/rates/`),
        yield* open(`${url}/ws/rates/`)
      ]
      for (const client of [all, filtered, resynced]) yield* client.next
      yield* filtered.send({ type: "subscribe", pairs: ["EUR:GHS"] })
      yield* filtered.next
      const { epoch, sequence } = broadcaster.snapshot()

      const pairs = [USD_NGN, USD_KES, EUR_GHS]
      for (let n = 0; n < CHANGES; n++) {
        yield* broadcaster.publish(rate(pairs[n % pairs.length] ?? USD_NGN, n + 1))
        // A client that requests a snapshot during the burst receives the changes after it.
        if (n === CHANGES / 2) yield* resynced.send({ type: "get_all_rates" })
      }

      const sequences = Array.from({ length: CHANGES }, (_, n) => sequence + n + 1)
      assert.deepStrictEqual(yield* numbersOf(all, CHANGES), sequences)
      assert.deepStrictEqual(
        yield* numbersOf(filtered, CHANGES / pairs.length),
        sequences.filter((_, n) => n % pairs.length === 2)
      )
      yield* all.assertNoMessage
      yield* filtered.assertNoMessage

      let delivered = sequence
      while (delivered < sequence + CHANGES) {
        const message = yield* resynced.next
        if (message["type"] === "all_rates") assert.isAtLeast(Number(message["sequence"]), delivered)
        else assert.strictEqual(Number(message["sequence"]), delivered + 1)
        delivered = Number(message["sequence"])
      }

      const resumed = yield* open(`${url}/ws/rates/?since=${epoch}-${sequence}`)
      assert.deepStrictEqual(yield* numbersOf(resumed, CHANGES), sequences)
    })
  )
})

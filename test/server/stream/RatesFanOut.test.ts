import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import { CEDI, NAIRA, rate, SHILLING } from "../../support/SampleRates.ts"
import { open, type SocketClient } from "../../support/SocketClient.ts"
import { TestServer } from "../../support/TestServer.ts"

const live = { excludeTestServices: true }
/** Fewer than a connection takes at once. */
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
  it.effect("tells each change of those that come at once, in order, to all who want it", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const broadcaster = yield* Broadcaster
      const [everything, some, late] = [
        yield* open(`${url}/ws/rates/`),
        yield* open(`${url}/ws/rates/`),
        yield* open(`${url}/ws/rates/`)
      ]
      for (const client of [everything, some, late]) yield* client.next
      yield* some.send({ type: "subscribe", pairs: ["EUR:GHS"] })
      yield* some.next
      const { epoch, sequence } = broadcaster.snapshot()

      const pairs = [NAIRA, SHILLING, CEDI]
      for (let n = 0; n < CHANGES; n++) {
        yield* broadcaster.publish(rate(pairs[n % pairs.length] ?? NAIRA, n + 1))
        // Whoever asks for everything in between is told of what comes after that.
        if (n === CHANGES / 2) yield* late.send({ type: "get_all_rates" })
      }

      const all = Array.from({ length: CHANGES }, (_, n) => sequence + n + 1)
      assert.deepStrictEqual(yield* numbersOf(everything, CHANGES), all)
      assert.deepStrictEqual(
        yield* numbersOf(some, CHANGES / pairs.length),
        all.filter((_, n) => n % pairs.length === 2)
      )
      yield* everything.nothing
      yield* some.nothing

      let told = sequence
      while (told < sequence + CHANGES) {
        const message = yield* late.next
        if (message["type"] === "all_rates") assert.isAtLeast(Number(message["sequence"]), told)
        else assert.strictEqual(Number(message["sequence"]), told + 1)
        told = Number(message["sequence"])
      }

      const back = yield* open(`${url}/ws/rates/?since=${epoch}-${sequence}`)
      assert.deepStrictEqual(yield* numbersOf(back, CHANGES), all)
    })
  )
})

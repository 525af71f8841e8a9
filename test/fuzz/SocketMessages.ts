import { Arbitrary, Effect, Schema } from "effect"
import { RatesRpcs } from "../../src/api/rates/RatesRpcs.ts"
import * as BodyMutations from "./BodyMutations.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { ResponseIds } from "./ResponseIds.ts"
import * as Values from "./Values.ts"

/** How many payloads of each call are made in advance. */
const SAMPLES = 200
/** How often nothing is wrong with a message. */
const RIGHT = 0.4

/** Messages to a path, right or wrong, as the dice fall. */
export type Messages = (dice: RandomChoice) => Buffer

const types = [
  "get_all_rates",
  "get_rate",
  "subscribe",
  "unsubscribe",
  "ping",
  "shout",
  "toString",
  "__proto__"
]

/** What clients of `/ws/rates/` may say. */
export const toRates =
  (harvest: ResponseIds): Messages =>
  (dice) => {
    const value = (name: string) => Values.fitting(dice, harvest, name, ["USD", "", 1, null, []])
    const message = {
      type: dice.pick(types),
      source_currency: value("from"),
      destination_currency: value("to"),
      pairs: Array.from({ length: dice.pick([0, 1, 2, 40, 1_001]) }, () => value("pair"))
    }
    return spoilt(dice, JSON.stringify(message))
  }

/** What clients of `/rpc` may say: calls with payloads of their schemas, and all that goes with them. */
export const toRpc = Effect.fnUntraced(function* (harvest: ResponseIds, seed: string) {
  const payloads = new Map<string, ReadonlyArray<unknown>>([["Shout", [null]]])
  for (const [tag, { payloadSchema }] of RatesRpcs.requests) {
    const values = Arbitrary.schema(Schema.toEncoded(payloadSchema))
    payloads.set(tag, yield* Arbitrary.sampleEffect(values, { count: SAMPLES, seed }))
  }
  const tags = Array.from(payloads.keys())

  const messages: Messages = (dice) => {
    const id = String(dice.below(5))
    const tag = dice.pick(tags)
    const call = {
      _tag: "Request",
      id,
      tag,
      payload: Values.fittingBody(dice, harvest, payloads.get(tag) ?? [null]),
      headers: dice.chance(0.9) ? [] : [["authorization", Values.hostile(dice)]]
    }
    const message = dice.pick([
      call,
      call,
      call,
      call,
      [call, call],
      { _tag: "Ack", requestId: id },
      { _tag: "Interrupt", requestId: id },
      { _tag: "Eof" },
      { _tag: "Exit", requestId: id, exit: { _tag: "Success", value: 1 } },
      { ...call, id: Values.hostile(dice) },
      { ...call, traceId: Values.hostile(dice), spanId: "", sampled: "no" }
    ])
    return spoilt(dice, JSON.stringify(message))
  }
  return messages
})

const spoilt = (dice: RandomChoice, text: string) =>
  dice.chance(RIGHT) ? Buffer.from(text) : BodyMutations.damage(dice, Buffer.from(text))

import { Arbitrary, Effect, Schema } from "effect"
import { Rpcs } from "../../src/api/Rpcs.ts"
import * as Bodies from "./requests/Bodies.ts"
import * as BodyMutations from "./requests/BodyMutations.ts"
import type { Callers } from "./Callers.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { ResponseIds } from "./requests/ResponseIds.ts"
import * as Values from "./requests/Values.ts"

/** Number of payloads generated in advance for each procedure. */
const SAMPLES_PER_PROCEDURE = 200
/** Share of messages without a mutation. */
const VALID_RATIO = 0.4

/** Generates a message, valid or mutated. */
export type MessageGenerator = (random: RandomChoice) => Buffer

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

/** Messages of clients of `/ws/rates/`. */
export const forRates =
  (responseIds: ResponseIds): MessageGenerator =>
  (random) => {
    const material = { random, responseIds, isValid: random.chance(VALID_RATIO) }
    const samples = ["USD", "", 1, null, []]
    const value = (name: string) =>
      Values.parameterValue(material, { name: "" }, { name, samples, isEnum: false, example: undefined })
    const message = {
      type: random.pick(types),
      source_currency: value("from"),
      destination_currency: value("to"),
      pairs: Array.from({ length: random.pick([0, 1, 2, 40, 1_001]) }, () => value("pair"))
    }
    return maybeMutate(random, JSON.stringify(message))
  }

/** Messages of clients of `/ws/accounts/events/`. */
export const forUserEvents =
  (callers: Callers): MessageGenerator =>
  (random) => {
    const type = random.pick(["authenticate", "ping", "ping", "subscribe", "__proto__"])
    const token = random.chance(0.5)
      ? callers.authorization(random)?.slice("Bearer ".length)
      : random.pick([Values.hostile(random), "ey.ey.ey", "", null, 1, undefined])
    return maybeMutate(random, JSON.stringify({ type, token }))
  }

/** Messages of clients of `/rpc`: calls with payloads that match their schemas, and control messages. */
export const forRpc = Effect.fnUntraced(function* (responseIds: ResponseIds, callers: Callers, seed: string) {
  const payloads = new Map<string, ReadonlyArray<unknown>>([["Shout", [null]]])
  for (const [tag, { payloadSchema }] of Rpcs.requests) {
    const values = Arbitrary.schema(Schema.toEncoded(payloadSchema))
    payloads.set(tag, yield* Arbitrary.sampleEffect(values, { count: SAMPLES_PER_PROCEDURE, seed }))
  }
  const tags = Array.from(payloads.keys())

  const generate: MessageGenerator = (random) => {
    const id = String(random.below(5))
    const tag = random.pick(tags)
    const call = {
      _tag: "Request",
      id,
      tag,
      payload: Bodies.make(
        { random, responseIds, isValid: false },
        { bodies: payloads.get(tag) ?? [null], exampleBody: undefined, name: "" }
      ),
      headers: random.chance(0.6)
        ? []
        : [["authorization", random.chance(0.8) ? callers.authorization(random) : Values.hostile(random)]]
    }
    const message = random.pick([
      call,
      call,
      call,
      call,
      [call, call],
      { _tag: "Ack", requestId: id },
      { _tag: "Interrupt", requestId: id },
      { _tag: "Eof" },
      { _tag: "Exit", requestId: id, exit: { _tag: "Success", value: 1 } },
      { ...call, id: Values.hostile(random) },
      { ...call, traceId: Values.hostile(random), spanId: "", sampled: "no" }
    ])
    return maybeMutate(random, JSON.stringify(message))
  }
  return generate
})

const maybeMutate = (random: RandomChoice, text: string) =>
  random.chance(VALID_RATIO) ? Buffer.from(text) : BodyMutations.mutate(random, Buffer.from(text))

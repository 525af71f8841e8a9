import type { Rate } from "../Values.ts"
import * as EventStream from "./EventStream.ts"
import { decode, keyOf, onlyPairs, ratesOf, type StreamMessage } from "./StreamMessages.ts"

/** A stream of rates, their events, or polls. */
export type RateStream<A> = EventStream.EventStream<A>

export interface RateStreamInput<A> extends Omit<EventStream.EventStreamInput<StreamMessage, A>, "feed"> {
  readonly pairs?: ReadonlyArray<string> | undefined
}

/** Makes a stream. */
export const make = <A>({ pairs, ...input }: RateStreamInput<A>): RateStream<A> =>
  EventStream.make({ ...input, feed: makeFeed(pairs) })

/** A slow loop skips changes, and gets the latest rate of each pair. */
const makeFeed = (pairs: ReadonlyArray<string> | undefined): EventStream.Feed<StreamMessage> => {
  const latest = new Map<string, Rate>()
  return {
    decode(name, json) {
      const received = decode(name, json)
      const message = received === undefined ? undefined : onlyPairs(received, pairs)
      if (message === undefined) return undefined
      if (message.type === "snapshot") latest.clear()
      for (const rate of ratesOf(message)) latest.set(keyOf(rate), rate)
      return message
    },
    // A gap does not advance the position: its changes are only covered by the snapshot after it.
    positionOf: (message) => (message.type === "gap" ? undefined : message.position),
    compact(queue) {
      const position = queue.at(-1)?.position ?? ""
      return [
        { type: "gap", position },
        { type: "snapshot", position, rates: [...latest.values()] }
      ]
    }
  }
}

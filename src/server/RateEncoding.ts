import { Schema } from "effect"
import { RateMessage } from "../api/RateMessage.ts"
import type { Rate } from "../domain/Rate.ts"
import type { FoundRate } from "../rates/Rates.ts"

/** A rate as others are told it. */
export const toMessage = ({ rate, stale }: FoundRate): RateMessage => ({
  from: rate.pair.from,
  to: rate.pair.to,
  rate: rate.rate,
  rateId: rate.id,
  provider: rate.provider,
  fetchedAt: rate.observedAt,
  stale
})

const encodeMessage = Schema.encodeSync(RateMessage)
const encoder = new TextEncoder()

const encoded = new WeakMap<Rate, { fresh?: Uint8Array; stale?: Uint8Array }>()

/** The rate as JSON, encoded once for as long as it is the one to answer with. */
export const toBytes = (found: FoundRate): Uint8Array => {
  let bytes = encoded.get(found.rate)
  if (bytes === undefined) encoded.set(found.rate, (bytes = {}))
  return (bytes[found.stale ? "stale" : "fresh"] ??= encoder.encode(
    JSON.stringify(encodeMessage(toMessage(found)))
  ))
}

import { DateTime, Schema } from "effect"
import { RateMessage } from "../api/RateMessage.ts"
import * as Decimal from "../domain/Decimal.ts"
import * as ExactJson from "../domain/ExactJson.ts"
import type { Rate, RateRecord } from "../domain/Rate.ts"
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

/** The rate as JSON. */
export const toJson = (found: FoundRate): string => JSON.stringify(encodeMessage(toMessage(found)))

const encoder = new TextEncoder()

const encoded = new WeakMap<Rate, { fresh?: Uint8Array; stale?: Uint8Array }>()

/** The rate as JSON in bytes, encoded once for as long as it is the one to answer with. */
export const toBytes = (found: FoundRate): Uint8Array => {
  let bytes = encoded.get(found.rate)
  if (bytes === undefined) encoded.set(found.rate, (bytes = {}))
  return (bytes[found.stale ? "stale" : "fresh"] ??= encoder.encode(toJson(found)))
}

/** All that is kept of a rate, as JSON. The provider's answer stands in it as it was, digit for digit. */
export const toRecordBytes = ({ rate, ...record }: RateRecord): Uint8Array =>
  encoder.encode(
    JSON.stringify({
      from: rate.pair.from,
      to: rate.pair.to,
      rate: Decimal.format(rate.rate),
      rate_id: rate.id,
      provider: rate.provider,
      fetched_at: DateTime.formatIso(rate.observedAt),
      source_amount: Decimal.format(record.sourceAmount),
      destination_amount: Decimal.format(record.destinationAmount),
      provider_rate: record.providerRate,
      recorded_at: DateTime.formatIso(record.recordedAt),
      raw: ExactJson.raw(record.raw)
    })
  )

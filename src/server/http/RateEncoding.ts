import { DateTime, Schema } from "effect"
import { RateMessage } from "../../api/rates/RateMessage.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import type { Rate, RateRecord } from "../../domain/rates/Rate.ts"

/** A rate, and whether it is stale. */
interface ToldRate {
  readonly rate: Rate
  readonly stale: boolean
}

/** A rate as others are told it. */
export const toMessage = ({ rate, stale }: ToldRate): RateMessage => ({
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

interface Encoded {
  readonly text: string
  readonly bytes: Uint8Array
}

const encoded = new WeakMap<Rate, { fresh?: Encoded; stale?: Encoded }>()

/** The rate as JSON, encoded once for as long as it is the one to answer with. */
const encode = (told: ToldRate): Encoded => {
  let known = encoded.get(told.rate)
  if (known === undefined) encoded.set(told.rate, (known = {}))
  const kind = told.stale ? "stale" : "fresh"
  const found = known[kind]
  if (found !== undefined) return found
  const text = JSON.stringify(encodeMessage(toMessage(told)))
  return (known[kind] = { text, bytes: encoder.encode(text) })
}

export const toText = (told: ToldRate): string => encode(told).text
export const toBytes = (told: ToldRate): Uint8Array => encode(told).bytes

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
      derived_from: record.derivedFrom,
      recorded_at: DateTime.formatIso(record.recordedAt),
      raw: ExactJson.raw(record.raw)
    })
  )

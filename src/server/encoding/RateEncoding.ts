import { DateTime, Schema } from "effect"
import { RateMessage } from "../../api/rates/RateMessage.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import type { Rate, RateRecord } from "../../domain/rates/Rate.ts"

interface LatestRate {
  readonly rate: Rate
  readonly stale: boolean
}

/** Converts a rate to its API message. */
export const toMessage = ({ rate, stale }: LatestRate): RateMessage => ({
  from: rate.pair.from,
  to: rate.pair.to,
  rate: rate.rate,
  rateId: rate.id,
  provider: rate.provider,
  fetchedAt: rate.observedAt,
  ...(rate.quotedAt === undefined ? {} : { quotedAt: rate.quotedAt }),
  stale
})

const encodeMessage = Schema.encodeSync(RateMessage)

const encoder = new TextEncoder()

interface EncodedRate {
  readonly text: string
  readonly bytes: Uint8Array
}

const cache = new WeakMap<Rate, { fresh?: EncodedRate; stale?: EncodedRate }>()

/** Encodes a rate as JSON. Cached per rate object, because the latest rate is encoded for every response. */
const encode = (latest: LatestRate): EncodedRate => {
  let entry = cache.get(latest.rate)
  if (entry === undefined) cache.set(latest.rate, (entry = {}))
  const freshness = latest.stale ? "stale" : "fresh"
  const cached = entry[freshness]
  if (cached !== undefined) return cached
  const text = JSON.stringify(encodeMessage(toMessage(latest)))
  return (entry[freshness] = { text, bytes: encoder.encode(text) })
}

export const toText = (latest: LatestRate): string => encode(latest).text
export const toBytes = (latest: LatestRate): Uint8Array => encode(latest).bytes

/** Encodes a rate with its full provenance as JSON. Preserves the provider's response byte for byte. */
export const toRecordBytes = ({ rate, ...record }: RateRecord): Uint8Array =>
  encoder.encode(
    ExactJson.stringifyWith(
      {
        from: rate.pair.from,
        to: rate.pair.to,
        rate: Decimal.format(rate.rate),
        rate_id: rate.id,
        provider: rate.provider,
        fetched_at: DateTime.formatIso(rate.observedAt),
        ...(rate.quotedAt === undefined ? {} : { quoted_at: DateTime.formatIso(rate.quotedAt) }),
        source_amount: Decimal.format(record.sourceAmount),
        destination_amount: Decimal.format(record.destinationAmount),
        provider_rate: record.providerRate,
        derived_from: record.derivedFrom,
        recorded_at: DateTime.formatIso(record.recordedAt)
      },
      "raw",
      record.raw
    )
  )

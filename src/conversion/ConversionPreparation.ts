import { Effect } from "effect"
import { SecureRandom } from "effect/crypto"
import { AuditId } from "../domain/conversion/AuditId.ts"
import type { QuoteId } from "../domain/conversion/Quote.ts"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import { RateId } from "../domain/rates/Rate.ts"
import type { ConversionInput } from "./ConversionInput.ts"
import type * as Idempotency from "./Idempotency.ts"
import * as PreparedConversion from "./PreparedConversion.ts"
import { type PriceInput, Pricing } from "./Pricing.ts"
import * as QuoteUse from "./QuoteUse.ts"

/** Creates the functions that price conversions and prepare their records. Nothing is stored. */
export const make = Effect.gen(function* () {
  const pricing = yield* Pricing
  const quotes = yield* QuoteUse.make
  const random = yield* SecureRandom.SecureRandom
  const { prepare } = yield* PreparedConversion.make

  const newId = Effect.map(random.uuidV7(), (uuid) => AuditId.make(uuid))

  const atLatest = Effect.fnUntraced(function* (
    input: PriceInput,
    key: Idempotency.ConversionKey | undefined
  ) {
    return prepare(yield* newId, null, key, yield* pricing.price(input))
  })

  const quoted = Effect.fnUntraced(function* (
    id: QuoteId,
    input: PriceInput,
    key: Idempotency.ConversionKey | undefined
  ) {
    yield* pricing.requireAllowedSkew
    const quote = yield* quotes.open(id, input)
    const { principal, reference } = input
    const priced = { ...quote.priced, reference: reference ?? quote.priced.reference, principal }
    // The id as it is stored, in lower case: the record is hashed as it will be read.
    return prepare(yield* newId, quote.id, key, priced)
  })

  /** Prepares a conversion synchronously. Undefined with a quote or without a fresh rate. */
  const fromMemory = (
    id: AuditId,
    input: ConversionInput,
    key: Idempotency.ConversionKey | undefined
  ): PreparedConversion.PreparedConversion | undefined => {
    if (input.quoteId !== null) return undefined
    const priced = pricing.priceFromMemory(input)
    return priced && prepare(id, null, key, priced)
  }

  /** Forgets the rate of a conversion that the database does not contain. */
  const evictUnknownRate = (pair: AssetPair, { record }: PreparedConversion.PreparedConversion) =>
    pricing.evictUnknownRate(pair, RateId.make(record.rate_id))

  return { newId, atLatest, quoted, fromMemory, evictUnknownRate }
})

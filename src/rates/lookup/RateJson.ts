import { DateTime, Predicate, Schema, SchemaTransformation } from "effect"
import { CurrencyCode } from "../../domain/money/Currency.ts"
import { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { type Rate, RateId } from "../../domain/rates/Rate.ts"

const isRate = (value: unknown): value is Rate => Predicate.hasProperty(value, "pair")

/** JSON of a rate in Redis. */
export const RateFromJson = Schema.fromJsonString(
  Schema.Struct({
    from: CurrencyCode,
    to: CurrencyCode,
    rate: Decimal.PositiveDecimal,
    rate_id: RateId,
    provider: Schema.String,
    fetched_at: Schema.DateTimeUtcFromString
  })
).pipe(
  Schema.decodeTo(
    Schema.declare(isRate),
    SchemaTransformation.transform({
      decode: ({ fetched_at, from, provider, rate, rate_id, to }): Rate => ({
        id: rate_id,
        pair: new CurrencyPair({ from, to }),
        rate,
        provider,
        observedAt: fetched_at
      }),
      encode: ({ id, observedAt, pair, provider, rate }) => ({
        from: pair.from,
        to: pair.to,
        rate,
        rate_id: id,
        provider,
        fetched_at: observedAt
      })
    })
  )
)

/** Decodes a rate. Fails for anything that another program wrote. */
export const decode = Schema.decodeEffect(RateFromJson)
export const encode = Schema.encodeSync(RateFromJson)

/** Sort key for Redis scripts: greater for the newer of two rates of a pair. */
export const sortKeyOf = ({ id, observedAt }: Rate): string => DateTime.formatIso(observedAt) + id

import { DateTime, Effect, Schema } from "effect"
import { CurrencyCode } from "../domain/Currency.ts"
import { CurrencyPair } from "../domain/CurrencyPair.ts"
import * as Decimal from "../domain/Decimal.ts"
import { type Rate, RateId } from "../domain/Rate.ts"

/** A rate as it stands in Redis. */
const RateJson = Schema.fromJsonString(
  Schema.Struct({
    from: CurrencyCode,
    to: CurrencyCode,
    rate: Decimal.PositiveDecimal,
    rate_id: RateId,
    provider: Schema.String,
    fetched_at: Schema.DateTimeUtcFromString
  })
)
const decodeJson = Schema.decodeEffect(RateJson)
const encodeJson = Schema.encodeSync(RateJson)

/** Reads what {@link encode} wrote; whoever writes to Redis may have written something else. */
export const decode = (text: string): Effect.Effect<Rate, Schema.SchemaError> =>
  Effect.map(decodeJson(text), ({ fetched_at, from, provider, rate, rate_id, to }) => ({
    id: rate_id,
    pair: new CurrencyPair({ from, to }),
    rate,
    provider,
    observedAt: fetched_at
  }))

export const encode = ({ id, observedAt, pair, provider, rate }: Rate): string =>
  encodeJson({ from: pair.from, to: pair.to, rate, rate_id: id, provider, fetched_at: observedAt })

/** Text that is greater for the newer of two rates of a pair, for scripts in Redis. */
export const orderOf = ({ id, observedAt }: Rate): string => DateTime.formatIso(observedAt) + id

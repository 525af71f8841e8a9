import { DateTime, Option, Predicate, Schema, SchemaTransformation } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { type Rate, RateId } from "../../domain/rates/Rate.ts"

const isRate = (value: unknown): value is Rate => Predicate.hasProperty(value, "pair")

const Fields = Schema.Struct({
  from: AssetCode,
  to: AssetCode,
  rate: Decimal.PositiveDecimal,
  rate_id: RateId,
  provider: Schema.String,
  fetched_at: Schema.DateTimeUtcFromString,
  quoted_at: Schema.optionalKey(Schema.DateTimeUtcFromString)
})

const toRate = ({ fetched_at, from, provider, quoted_at, rate, rate_id, to }: typeof Fields.Type): Rate => ({
  id: rate_id,
  pair: new AssetPair({ from, to }),
  rate,
  provider,
  observedAt: fetched_at,
  ...(quoted_at === undefined ? {} : { quotedAt: quoted_at })
})

const toFields = ({ id, observedAt, pair, provider, quotedAt, rate }: Rate): typeof Fields.Type => ({
  from: pair.from,
  to: pair.to,
  rate,
  rate_id: id,
  provider,
  fetched_at: observedAt,
  ...(quotedAt === undefined ? {} : { quoted_at: quotedAt })
})

/** JSON of a rate under a key that only nodes of one deployment use. */
export const RateFromJson = Schema.fromJsonString(Fields).pipe(
  Schema.decodeTo(
    Schema.declare(isRate),
    SchemaTransformation.transform({ decode: toRate, encode: toFields })
  )
)

/** Decodes a rate. Fails for anything that another program wrote. */
export const decode = Schema.decodeEffect(RateFromJson)
export const encode = Schema.encodeSync(RateFromJson)

/** JSON under a well-known key, which other deployments may write too. Versions before 0.2 write no `database`. */
const CachedFields = Schema.fromJsonString(
  Schema.Struct({ ...Fields.fields, database: Schema.optionalKey(Schema.String) })
)
const decodeCachedFields = Schema.decodeOption(CachedFields)
const encodeCachedFields = Schema.encodeSync(CachedFields)

/** A cached rate, and the identity of the database that contains it. */
export interface CachedRate {
  readonly rate: Rate
  readonly database: string | undefined
}

/** Decodes the value of a well-known key. None for anything that is not a rate. */
export const decodeCached = (text: string): Option.Option<CachedRate> =>
  Option.map(decodeCachedFields(text), ({ database, ...fields }) => ({ rate: toRate(fields), database }))

/** Encodes a rate for a well-known key, with the identity of the database that contains it. */
export const encodeCached = (rate: Rate, database: string): string =>
  encodeCachedFields({ ...toFields(rate), database })

/** Sort key for Redis scripts: greater for the newer of two rates of a pair. */
export const sortKeyOf = ({ id, observedAt }: Rate): string => DateTime.formatIso(observedAt) + id

/** Sort key that exceeds those of all rates observed before a time. */
export const sortKeyBound = (time: DateTime.DateTime): string => DateTime.formatIso(time)

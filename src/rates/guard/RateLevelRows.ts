import { Schema } from "effect"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"

// Rows of the queries of `RateLevelRepo`.

const optionalDecimal = Schema.OptionFromNullOr(Decimal.PositiveDecimal)

const optionalTime = Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)

export const decodeLevels = Schema.decodeUnknownEffect(
  Schema.Struct({
    allLast: optionalDecimal,
    allAnchor: optionalDecimal,
    allAnchorAt: optionalTime,
    allOldest: optionalDecimal,
    allOldestAt: optionalTime,
    ownLast: optionalDecimal,
    ownAnchor: optionalDecimal,
    ownAnchorAt: optionalTime,
    ownOldest: optionalDecimal,
    ownOldestAt: optionalTime,
    fallback: optionalDecimal,
    accepted: optionalDecimal
  })
)

export const decodeSteps = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ from: Decimal.PositiveDecimal, to: Decimal.PositiveDecimal }))
)

export const decodeLegs = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ rate: Decimal.PositiveDecimal }))
)

export const decodeDecisions = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      from: AssetCode,
      to: AssetCode,
      rate: Decimal.PositiveDecimal,
      before: optionalDecimal,
      observedAt: Schema.DateTimeUtcFromDate,
      principal: Schema.String
    })
  )
)

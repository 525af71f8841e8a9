import { BigDecimal, Duration, Effect, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as DurationText from "../DurationText.ts"
import * as Decimal from "../money/Decimal.ts"

/** Outcome of a rule that fires for a movement. `allow` only records it. */
export const RuleOutcome = Schema.Literals(["allow", "review", "deny"])
export type RuleOutcome = typeof RuleOutcome.Type

const ZERO = BigDecimal.make(0n, 0)
const ONE = BigDecimal.make(1n, 0)
const MIN_WINDOW = "1 second"
const MAX_WINDOW = "365 days"

/** Describes a valid window or age, for error messages. */
const WINDOW_ALLOWED = `${DurationText.ALLOWED}, from ${MIN_WINDOW} to ${MAX_WINDOW}`

const isWindow = Duration.between({
  minimum: Duration.fromInputUnsafe(MIN_WINDOW),
  maximum: Duration.fromInputUnsafe(MAX_WINDOW)
})

const Window = Schema.String.annotate({ description: WINDOW_ALLOWED }).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.fromOption(DurationText.parse(text)).pipe(
          Effect.filterOrFail(isWindow),
          Effect.mapError(() => new SchemaIssue.InvalidValue({ message: `must be ${WINDOW_ALLOWED}` }))
        ),
      encode: (window) => Effect.succeed(DurationText.format(window))
    })
  )
)

/** A value in `HOME_CURRENCY`, from 0. */
const Value = Schema.String.annotate({ description: "A decimal in plain digits, from 0" }).pipe(
  Schema.decodeTo(
    Schema.BigDecimal.check(Schema.isGreaterThanOrEqualToBigDecimal(ZERO)),
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.mapError(
          Effect.fromOption(Decimal.parse(text)),
          () => new SchemaIssue.InvalidValue({ message: "must be a decimal in plain digits, from 0" })
        ),
      encode: (value) => Effect.succeed(Decimal.format(value))
    })
  )
)

const Share = Schema.String.annotate({ description: "A fraction above 0, at most 1: `0.8`" }).pipe(
  Schema.decodeTo(
    Schema.BigDecimal.check(Schema.isGreaterThanBigDecimal(ZERO), Schema.isLessThanOrEqualToBigDecimal(ONE)),
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.mapError(
          Effect.fromOption(Decimal.parse(text, 6)),
          () => new SchemaIssue.InvalidValue({ message: "must be a fraction above 0, at most 1" })
        ),
      encode: (value) => Effect.succeed(Decimal.format(value))
    })
  )
)

/** Largest count that a limit can have. */
export const MAX_COUNT = 1_000_000
const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_COUNT }))

const rule = {
  enabled: Schema.Boolean,
  outcome: RuleOutcome,
  /** Outcome for a movement whose asset has no price, so that its value is unknown. */
  unpriced: RuleOutcome
}

/** Limits of counts and values per hour and per day, in UTC. */
const Velocity = Schema.Struct({
  ...rule,
  hour_count: Count,
  hour_value: Value,
  day_count: Count,
  day_value: Value
})
export type Velocity = typeof Velocity.Type

/** Fires when something new moves at least `share` of a balance within a day, worth at least `min_value`. */
const Newcomer = Schema.Struct({ ...rule, max_age: Window, share: Share, min_value: Value })
export type Newcomer = typeof Newcomer.Type

/** All rules, by name. */
export const RiskRules = Schema.Struct({
  /** Movements of one user, in all assets together. */
  velocity: Velocity,
  /** Movements of one user in one asset. */
  asset_velocity: Velocity,
  new_account: Newcomer,
  /** A device is new until a session with its user agent is this old. */
  new_device: Newcomer,
  /** A withdrawal of at least `share` of what was deposited within `window` before it. */
  deposit_withdrawal: Schema.Struct({ ...rule, window: Window, share: Share, min_value: Value }),
  /** A transfer to a user who sent the same asset within `window` before it. */
  circular_transfer: Schema.Struct({ ...rule, window: Window, min_value: Value }),
  /** More than `hour_count` orders of at most `max_value` within an hour. */
  small_orders: Schema.Struct({ ...rule, hour_count: Count, max_value: Value }),
  /** At least `failures` failed logins of the account before a movement. */
  failed_logins: Schema.Struct({ ...rule, failures: Count, min_value: Value })
})
export type RiskRules = typeof RiskRules.Type
export type RuleName = keyof RiskRules

export const RULE_NAMES: ReadonlyArray<RuleName> = [
  "velocity",
  "asset_velocity",
  "new_account",
  "new_device",
  "deposit_withdrawal",
  "circular_transfer",
  "small_orders",
  "failed_logins"
]

/** The rules were changed after the caller read them. */
export class RiskRulesChanged extends Schema.TaggedError<RiskRulesChanged>()("RiskRulesChanged", {
  expected: Schema.Int,
  version: Schema.Int
}) {
  override get message(): string {
    return `The risk rules are at version ${this.version}, not ${this.expected}; read them again and retry`
  }
}

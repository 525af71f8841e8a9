import { DateTime, Duration, Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as DurationText from "../DurationText.ts"

export const MIN_POLL_INTERVAL = "1 second"
export const MAX_POLL_INTERVAL = "1 day"

export const DEFAULT_POLL_INTERVAL = Duration.minutes(10)

/** Describes a valid poll interval, for error messages. */
const POLL_INTERVAL_ALLOWED = `${DurationText.ALLOWED}, from ${MIN_POLL_INTERVAL} to ${MAX_POLL_INTERVAL}`

export const POLL_INTERVAL_RANGE = {
  minimum: Duration.fromInputUnsafe(MIN_POLL_INTERVAL),
  maximum: Duration.fromInputUnsafe(MAX_POLL_INTERVAL)
}

/** Parses an interval such as `10 minutes`. Returns none if it is out of range. */
export const parseInterval = (text: string): Option.Option<Duration.Duration> =>
  Option.filter(DurationText.parse(text), Duration.between(POLL_INTERVAL_RANGE))

/** A poll interval: text on the wire, a duration in code. */
export const PollInterval = Schema.String.annotate({ description: POLL_INTERVAL_ALLOWED }).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.mapError(
          Effect.fromOption(parseInterval(text)),
          () => new SchemaIssue.InvalidValue({ message: `must be ${POLL_INTERVAL_ALLOWED}` })
        ),
      encode: (interval) => Effect.succeed(DurationText.format(interval))
    })
  )
)

/** Interval of scheduled polls, and the switch that turns them off. */
export const PollerSetting = Schema.Struct({
  /** Time from the start of one poll to the start of the next. */
  interval: PollInterval,
  enabled: Schema.Boolean
})
export type PollerSetting = typeof PollerSetting.Type

/** Returns the effective poll interval. None while polling is disabled. */
export const intervalOf = ({ enabled, interval }: PollerSetting): Option.Option<Duration.Duration> =>
  enabled ? Option.some(interval) : Option.none()

/** One change of the stored poller setting. */
export interface PollerChange {
  /** Increments with each change. */
  readonly version: number
  readonly at: DateTime.Utc
  /** The API key id or label of the operator. */
  readonly principal: string
  /** The previous stored setting. None if POLL_INTERVAL was in effect. */
  readonly from: Option.Option<PollerSetting>
  /** The new stored setting. None if POLL_INTERVAL is in effect again. */
  readonly to: Option.Option<PollerSetting>
}

/** The setting was changed after the caller read it. */
export class PollerSettingChanged extends Schema.TaggedError<PollerSettingChanged>()("PollerSettingChanged", {
  expected: Schema.Int,
  version: Schema.Int
}) {
  override get message(): string {
    return `The poller setting is at version ${this.version}, not ${this.expected}; read it again and retry`
  }
}

/** JSON fields of the setting in the admin API. */
export const settingFields = ({ enabled, interval }: PollerSetting) => ({
  interval: DurationText.format(interval),
  enabled
})

/** JSON fields of a change in the admin API. */
export const changeFields = (change: PollerChange) => ({
  version: change.version,
  changed_at: DateTime.formatIso(change.at),
  changed_by: change.principal,
  from: Option.getOrNull(Option.map(change.from, settingFields)),
  to: Option.getOrNull(Option.map(change.to, settingFields))
})

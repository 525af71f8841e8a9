import { DateTime, Duration, Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as DurationText from "../DurationText.ts"

/** How often at most, and how seldom at most, rates are polled. */
export const SHORTEST_INTERVAL = "1 second"
export const LONGEST_INTERVAL = "1 day"

/** How often they are polled where nothing says so. */
export const DEFAULT_INTERVAL = Duration.minutes(10)

/** What an interval may be, for messages. */
export const ALLOWED_INTERVAL = `${DurationText.ALLOWED}, from ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL}`

const range = {
  minimum: Duration.fromInputUnsafe(SHORTEST_INTERVAL),
  maximum: Duration.fromInputUnsafe(LONGEST_INTERVAL)
}

/** Reads an interval such as `10 minutes`; none for what polls cannot keep. */
export const parseInterval = (text: string): Option.Option<Duration.Duration> =>
  Option.filter(DurationText.parse(text), Duration.between(range))

/** An interval as text. */
export const PollInterval = Schema.String.annotate({ description: ALLOWED_INTERVAL }).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.mapError(
          Effect.fromOption(parseInterval(text)),
          () => new SchemaIssue.InvalidValue({ message: `must be ${ALLOWED_INTERVAL}` })
        ),
      encode: (interval) => Effect.succeed(DurationText.format(interval))
    })
  )
)

/** How rates are polled. */
export const PollerSetting = Schema.Struct({
  /** From the start of one poll to the start of the next. */
  interval: PollInterval,
  /** Whether they are polled at all. */
  enabled: Schema.Boolean
})
export type PollerSetting = typeof PollerSetting.Type

/** The interval in which polls are made; none while polling is off. */
export const intervalOf = ({ enabled, interval }: PollerSetting): Option.Option<Duration.Duration> =>
  enabled ? Option.some(interval) : Option.none()

/** One change of what is kept in the database. */
export interface PollerChange {
  /** Grows by one with each change. */
  readonly version: number
  readonly at: DateTime.Utc
  /** The id of a key, or a word that is none. */
  readonly principal: string
  /** What was kept before; none where POLL_INTERVAL was in force. */
  readonly from: Option.Option<PollerSetting>
  /** What is kept since; none where POLL_INTERVAL is in force again. */
  readonly to: Option.Option<PollerSetting>
}

/** Somebody else has changed the setting since it was looked at. */
export class PollerSettingChanged extends Schema.TaggedError<PollerSettingChanged>()("PollerSettingChanged", {
  expected: Schema.Int,
  version: Schema.Int
}) {
  override get message(): string {
    return `The poller's setting is at version ${this.version}, not ${this.expected}: look at it again`
  }
}

/** A setting, as operators are told of it. */
export const settingFields = ({ enabled, interval }: PollerSetting) => ({
  interval: DurationText.format(interval),
  enabled
})

/** A change, as operators are told of it. */
export const changeFields = (change: PollerChange) => ({
  version: change.version,
  changed_at: DateTime.formatIso(change.at),
  changed_by: change.principal,
  from: Option.getOrNull(Option.map(change.from, settingFields)),
  to: Option.getOrNull(Option.map(change.to, settingFields))
})

import { Context, Duration, Effect, Layer, Option, Stream } from "effect"
import { Settings } from "../config/Settings.ts"

/** The poll interval in effect. Read it on each use: an operator can change it while the process runs. */
export class PollCadence extends Context.Service<
  PollCadence,
  {
    /** Time between the starts of two polls; none while polling is off. */
    readonly interval: () => Option.Option<Duration.Duration>
    /** Emits the current {@link interval}, then every change. */
    readonly changes: Stream.Stream<Option.Option<Duration.Duration>>
  }
>()("effex/platform/PollCadence") {
  /** The interval of `POLL_INTERVAL`, which never changes. */
  static readonly layerSettings = Layer.effect(
    PollCadence,
    Effect.map(Settings, ({ pollInterval }) => PollCadence.of(fixed(pollInterval)))
  )
}

/** Half of the default interval. */
const COOLDOWN_WITHOUT_POLLING = Duration.minutes(5)

/**
 * Time during which lookups do not call a provider again after a response that does not help them: half a poll interval,
 * so that each poll still calls it.
 */
export const lookupCooldown = ({ interval }: PollCadence["Service"]): Duration.Duration =>
  Option.match(interval(), {
    onNone: () => COOLDOWN_WITHOUT_POLLING,
    onSome: (duration) => Duration.divideUnsafe(duration, 2)
  })

/** The cadence of prices: their own interval, and none while polling is off. */
export const ofPrices = (
  { changes, interval }: PollCadence["Service"],
  priceInterval: Option.Option<Duration.Duration>
): PollCadence["Service"] => {
  const own = Option.flatMap(() => priceInterval)
  return { interval: () => own(interval()), changes: Stream.changes(Stream.map(changes, own)) }
}

/** A cadence that never changes. */
export const fixed = (interval: Option.Option<Duration.Duration>): PollCadence["Service"] => ({
  interval: () => interval,
  changes: Stream.concat(Stream.succeed(interval), Stream.never)
})

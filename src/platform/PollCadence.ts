import { Context, type Duration, Effect, Layer, type Option, Stream } from "effect"
import { Settings } from "../config/Settings.ts"

/**
 * How often rates are polled, as it is in force at this moment. Whoever depends on the interval asks here each time,
 * since an operator may change it while the process runs.
 */
export class PollCadence extends Context.Service<
  PollCadence,
  {
    /** From the start of one poll to the start of the next; none while polling is off. */
    readonly interval: () => Option.Option<Duration.Duration>
    /** What {@link interval} is, and then each change of it. */
    readonly changes: Stream.Stream<Option.Option<Duration.Duration>>
  }
>()("effex/platform/PollCadence") {
  /** As POLL_INTERVAL has it, for as long as the process runs. */
  static readonly layerSettings = Layer.effect(
    PollCadence,
    Effect.map(Settings, ({ pollInterval }) => PollCadence.of(fixed(pollInterval)))
  )
}

/** A cadence that does not change. */
export const fixed = (interval: Option.Option<Duration.Duration>): PollCadence["Service"] => ({
  interval: () => interval,
  changes: Stream.concat(Stream.succeed(interval), Stream.never)
})

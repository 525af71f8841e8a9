import { Context, Duration, Effect, Equal, Layer, Option, Schedule, Stream, SubscriptionRef } from "effect"
import { Settings } from "../../config/Settings.ts"
import {
  DEFAULT_POLL_INTERVAL,
  intervalOf,
  type PollerSetting,
  PollerSettingChanged
} from "../../domain/rates/PollerSetting.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as PollMetrics from "../../platform/metrics/PollMetrics.ts"
import { observe } from "../../platform/metrics/MetricSeries.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { type KeptSetting, PollerSettingRepo, type WantedChange } from "./PollerSettingRepo.ts"

/** What is in force, and where it comes from. */
export interface PollerInForce {
  readonly setting: PollerSetting
  /** `setting`: POLL_INTERVAL, since the database keeps nothing. */
  readonly source: "database" | "setting"
  /** What POLL_INTERVAL of this process says, and what holds again after a reset. */
  readonly fallback: PollerSetting
  /** Grows by one with each change; 0 where there never was one. */
  readonly version: number
  /** The latest change; none where there never was one. */
  readonly latest: Option.Option<Omit<KeptSetting, "value">>
}

/**
 * How rates are polled, as operators set it: kept in the database, in force in every process within a second or two, and
 * after a restart.
 */
export class PollerSettings extends Context.Service<
  PollerSettings,
  {
    readonly inForce: Effect.Effect<PollerInForce, StoreUnavailable>
    /**
     * Changes the setting, or goes back to POLL_INTERVAL, and returns what is in force then. What it is already is no
     * change. Fails with `PollerSettingChanged` where somebody else has changed it since the version that is named.
     */
    readonly change: (
      wanted: WantedChange
    ) => Effect.Effect<PollerInForce, PollerSettingChanged | StoreUnavailable>
    /** At most `limit` changes before a version, newest first. */
    readonly changes: PollerSettingRepo["Service"]["changes"]
  }
>()("effex/rates/polling/PollerSettings") {
  static readonly layer: Layer.Layer<PollerSettings | PollCadence, never, Settings | PollerSettingRepo> =
    Layer.effectContext(Effect.suspend(() => make))
}

/** How soon at the latest a process knows what was changed in another one. */
const LAG = Duration.seconds(1)

const make = Effect.gen(function* () {
  const { pollInterval } = yield* Settings
  const repo = yield* PollerSettingRepo
  const fallback: PollerSetting = {
    interval: Option.getOrElse(pollInterval, () => DEFAULT_POLL_INTERVAL),
    enabled: Option.isSome(pollInterval)
  }
  const interval = yield* SubscriptionRef.make(intervalOf(fallback))

  yield* observe(PollMetrics.interval, () =>
    Option.match(SubscriptionRef.getUnsafe(interval), { onNone: () => 0, onSome: Duration.toSeconds })
  )

  const settingOf = (kept: Option.Option<KeptSetting>) =>
    Option.getOrElse(
      Option.flatMap(kept, ({ value }) => value),
      () => fallback
    )

  let known = 0

  /** Has what is kept be in force here, unless a newer version is already. */
  const adopt = Effect.fnUntraced(function* (kept: Option.Option<KeptSetting>) {
    const version = versionOf(kept)
    if (version < known) return
    known = version
    const next = intervalOf(settingOf(kept))
    if (Equal.equals(next, SubscriptionRef.getUnsafe(interval))) return
    yield* SubscriptionRef.set(interval, next)
    const told = Option.match(next, {
      onNone: () => "off",
      onSome: (every) => `every ${Duration.format(every)}`
    })
    yield* Effect.logInfo(`The database has polling ${told}`)
  })

  const toInForce = (kept: Option.Option<KeptSetting>): PollerInForce => ({
    setting: settingOf(kept),
    source: Option.exists(kept, ({ value }) => Option.isSome(value)) ? "database" : "setting",
    fallback,
    version: versionOf(kept),
    latest: kept
  })

  const read = Effect.tap(repo.kept, adopt)

  const change: PollerSettings["Service"]["change"] = Effect.fn("PollerSettings.change")(function* (wanted) {
    const written = yield* repo.write(wanted)
    const kept = Option.isSome(written) ? written : yield* repo.kept
    yield* adopt(kept)
    if (Option.isSome(written)) {
      const { principal, version } = written.value
      yield* Effect.logInfo(`${principal} changed the poller's setting, which is at version ${version}`)
    }
    const inForce = toInForce(kept)
    const expected = Option.getOrElse(wanted.version, () => inForce.version)
    if (Option.isNone(written) && expected !== inForce.version)
      return yield* new PollerSettingChanged({ expected, version: inForce.version })
    return inForce
  })

  // Read again and again rather than listened to: what is missed while the database is away is known a second later.
  yield* read.pipe(
    Effect.tapCause((cause) => Effect.logDebug("The poller's setting could not be read", cause)),
    Effect.ignoreCause,
    Effect.repeat(Schedule.spaced(LAG)),
    Effect.delay(LAG),
    Effect.forkScoped
  )
  yield* read.pipe(
    Effect.tapCause((cause) =>
      Effect.logWarning(
        "The poller's setting could not be read: POLL_INTERVAL is in force until it can",
        cause
      )
    ),
    Effect.ignoreCause
  )

  const settings = PollerSettings.of({
    inForce: Effect.map(read, toInForce),
    change,
    changes: repo.changes
  })
  const cadence = PollCadence.of({
    interval: () => SubscriptionRef.getUnsafe(interval),
    changes: Stream.changes(SubscriptionRef.changes(interval))
  })
  return Context.make(PollerSettings, settings).pipe(Context.add(PollCadence, cadence))
})

const versionOf = Option.match({ onNone: () => 0, onSome: ({ version }: KeptSetting) => version })

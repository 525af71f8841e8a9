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
import { PollerSettingRepo, type SettingChange, type StoredSetting } from "./PollerSettingRepo.ts"

/** Poller setting in effect, and its origin. */
export interface ActivePollerSetting {
  readonly setting: PollerSetting
  /** `setting`: POLL_INTERVAL, because the database has no value. */
  readonly source: "database" | "setting"
  /** POLL_INTERVAL of this process, which a reset returns to. */
  readonly fallback: PollerSetting
  /** Incremented by each change; 0 before the first. */
  readonly version: number
  /** Latest change; none before the first. */
  readonly latestChange: Option.Option<Omit<StoredSetting, "value">>
}

/** Interval at which a process reads the changes of others. */
const READ_INTERVAL = Duration.seconds(1)

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

  const settingOf = (stored: Option.Option<StoredSetting>) =>
    Option.getOrElse(
      Option.flatMap(stored, ({ value }) => value),
      () => fallback
    )

  let appliedVersion = 0

  /** Applies a stored setting in this process, unless a newer version is applied. */
  const apply = Effect.fnUntraced(function* (stored: Option.Option<StoredSetting>) {
    const version = versionOf(stored)
    if (version < appliedVersion) return
    appliedVersion = version
    const next = intervalOf(settingOf(stored))
    if (Equal.equals(next, SubscriptionRef.getUnsafe(interval))) return
    yield* SubscriptionRef.set(interval, next)
    const text = Option.match(next, {
      onNone: () => "off",
      onSome: (every) => `every ${Duration.format(every)}`
    })
    yield* Effect.logInfo(`Poller setting applied: ${text}`)
  })

  const toActive = (stored: Option.Option<StoredSetting>): ActivePollerSetting => ({
    setting: settingOf(stored),
    source: Option.exists(stored, ({ value }) => Option.isSome(value)) ? "database" : "setting",
    fallback,
    version: versionOf(stored),
    latestChange: stored
  })

  const read = Effect.tap(repo.stored, apply)

  const change: PollerSettings["Service"]["change"] = Effect.fn("PollerSettings.change")(function* (request) {
    const written = yield* repo.write(request)
    const stored = Option.isSome(written) ? written : yield* repo.stored
    yield* apply(stored)
    if (Option.isSome(written)) {
      const { principal, version } = written.value
      yield* Effect.logInfo(`Poller setting changed to version ${version} by ${principal}`)
    }
    const active = toActive(stored)
    const expected = Option.getOrElse(request.expectedVersion, () => active.version)
    if (Option.isNone(written) && expected !== active.version)
      return yield* new PollerSettingChanged({ expected, version: active.version })
    return active
  })

  // Polls instead of LISTEN: a change missed while the database is unavailable is read a second later.
  yield* read.pipe(
    Effect.tapCause((cause) => Effect.logDebug("The poller setting could not be read", cause)),
    Effect.ignoreCause,
    Effect.repeat(Schedule.spaced(READ_INTERVAL)),
    Effect.delay(READ_INTERVAL),
    Effect.forkScoped
  )
  yield* read.pipe(
    Effect.tapCause((cause) =>
      Effect.logWarning("The poller setting could not be read; using POLL_INTERVAL until it can be", cause)
    ),
    Effect.ignoreCause
  )

  const settings = PollerSettings.of({
    active: Effect.map(read, toActive),
    change,
    changes: repo.changes
  })
  const cadence = PollCadence.of({
    interval: () => SubscriptionRef.getUnsafe(interval),
    changes: Stream.changes(SubscriptionRef.changes(interval))
  })
  return Context.make(PollerSettings, settings).pipe(Context.add(PollCadence, cadence))
})

/**
 * Poll interval, changeable at run time: stored in the database, applied by every process within a second or two, and kept
 * across restarts.
 */
export class PollerSettings extends Context.Service<
  PollerSettings,
  {
    readonly active: Effect.Effect<ActivePollerSetting, StoreUnavailable>
    /**
     * Changes the setting or resets it to POLL_INTERVAL, and returns the setting in effect. An equal value is no change.
     * Fails with `PollerSettingChanged` if the current version is not the expected one.
     */
    readonly change: (
      change: SettingChange
    ) => Effect.Effect<ActivePollerSetting, PollerSettingChanged | StoreUnavailable>
    /** Returns at most `limit` changes before a version, newest first. */
    readonly changes: PollerSettingRepo["Service"]["changes"]
  }
>()("effex/rates/polling/PollerSettings") {
  static readonly layerNoDeps: Layer.Layer<
    PollerSettings | PollCadence,
    never,
    Settings | PollerSettingRepo
  > = Layer.effectContext(make)

  static readonly layer = PollerSettings.layerNoDeps.pipe(Layer.provide(PollerSettingRepo.layer))
}

const versionOf = Option.match({ onNone: () => 0, onSome: ({ version }: StoredSetting) => version })

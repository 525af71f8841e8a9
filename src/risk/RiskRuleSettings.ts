import { Context, Duration, Effect, Layer, Option, Schedule } from "effect"
import { Settings } from "../config/Settings.ts"
import { type RiskRules, RiskRulesChanged } from "../domain/risk/RiskRules.ts"
import type { SettingChange, StoredSetting } from "../platform/postgres/StoredSetting.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { RiskRuleRepo } from "./RiskRuleRepo.ts"

/** Rules in effect, and their origin. */
export interface ActiveRiskRules {
  readonly rules: RiskRules
  /** `setting`: the settings RISK_*, because the database has no rules. */
  readonly source: "database" | "setting"
  /** Incremented by each change; 0 before the first. */
  readonly version: number
  /** Latest change; none before the first. */
  readonly latestChange: Option.Option<Omit<StoredSetting<RiskRules>, "value">>
}

/** Interval at which a process reads the changes of others. */
const READ_INTERVAL = Duration.seconds(1)

/**
 * Risk rules, changeable at run time: stored in the database, applied by every process within a second or two, and kept
 * across restarts.
 */
export class RiskRuleSettings extends Context.Service<
  RiskRuleSettings,
  {
    /** Returns the rules that this process applies. */
    readonly current: () => RiskRules
    readonly active: Effect.Effect<ActiveRiskRules, StoreUnavailable>
    /**
     * Replaces the rules, or resets them to the settings, and returns those in effect. Equal rules are no change. Fails with
     * `RiskRulesChanged` if the current version is not the expected one.
     */
    readonly change: (
      change: SettingChange<RiskRules>
    ) => Effect.Effect<ActiveRiskRules, RiskRulesChanged | StoreUnavailable>
    /** Returns at most `limit` changes before a version, newest first. */
    readonly changes: RiskRuleRepo["Service"]["changes"]
  }
>()("effex/risk/RiskRuleSettings") {
  static readonly layerNoDeps = Layer.effect(
    RiskRuleSettings,
    Effect.gen(function* () {
      const { riskRules: fallback } = yield* Settings
      const repo = yield* RiskRuleRepo
      let current = fallback
      let appliedVersion = 0

      const rulesOf = (stored: Option.Option<StoredSetting<RiskRules>>) =>
        Option.getOrElse(
          Option.flatMap(stored, ({ value }) => value),
          () => fallback
        )

      /** Applies stored rules in this process, unless a newer version is applied. */
      const apply = Effect.fnUntraced(function* (stored: Option.Option<StoredSetting<RiskRules>>) {
        const version = versionOf(stored)
        if (version <= appliedVersion) return
        appliedVersion = version
        current = rulesOf(stored)
        yield* Effect.logInfo(`Risk rules of version ${version} applied`)
      })

      const toActive = (stored: Option.Option<StoredSetting<RiskRules>>): ActiveRiskRules => ({
        rules: rulesOf(stored),
        source: Option.exists(stored, ({ value }) => Option.isSome(value)) ? "database" : "setting",
        version: versionOf(stored),
        latestChange: stored
      })

      const read = Effect.tap(repo.stored, apply)

      const change = Effect.fn("RiskRuleSettings.change")(function* (request: SettingChange<RiskRules>) {
        const written = yield* repo.write(request)
        const stored = Option.isSome(written) ? written : yield* repo.stored
        yield* apply(stored)
        const active = toActive(stored)
        const expected = Option.getOrElse(request.expectedVersion, () => active.version)
        if (Option.isNone(written) && expected !== active.version)
          return yield* new RiskRulesChanged({ expected, version: active.version })
        return active
      })

      // Polls instead of LISTEN: a change missed while the database is unavailable is read a second later.
      yield* read.pipe(
        Effect.tapCause((cause) => Effect.logDebug("The risk rules could not be read", cause)),
        Effect.ignoreCause,
        Effect.repeat(Schedule.spaced(READ_INTERVAL)),
        Effect.delay(READ_INTERVAL),
        Effect.forkScoped
      )
      yield* read.pipe(
        Effect.tapCause((cause) =>
          Effect.logWarning("The risk rules could not be read; the settings RISK_* apply until then", cause)
        ),
        Effect.ignoreCause
      )

      return RiskRuleSettings.of({
        current: () => current,
        active: Effect.map(read, toActive),
        change,
        changes: repo.changes
      })
    })
  )

  static readonly layer = RiskRuleSettings.layerNoDeps.pipe(Layer.provide(RiskRuleRepo.layer))
}

const versionOf = Option.match({
  onNone: () => 0,
  onSome: ({ version }: StoredSetting<RiskRules>) => version
})

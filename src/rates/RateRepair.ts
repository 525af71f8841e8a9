import { Context, type DateTime, Effect, Layer, Option, Schema } from "effect"
import { RateId } from "../domain/rates/Rate.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"

/** A latest rate from a wrong clock, and the rate that replaces it. */
export interface RateReplacement {
  /** Key of the pair, such as `USD:NGN`. */
  readonly pair: string
  readonly from: StoredRate
  /** None if the pair has no other rate. */
  readonly to: Option.Option<StoredRate>
}

export interface StoredRate {
  readonly id: RateId
  /** Exact decimal digits. */
  readonly rate: string
  readonly observedAt: DateTime.Utc
}

/** Changes of a repair. */
export interface RepairPlan {
  /** Rates recorded in the future, which are withdrawn: never in force, but still found by their id. */
  readonly withdrawn: number
  readonly replacements: ReadonlyArray<RateReplacement>
}

const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database

  const readPlan = Effect.gen(function* () {
    const [row] = yield* sql<{ count: number }>`
      SELECT count(*)::int AS count FROM exchange_rate
      WHERE id >= uuidv7_floor(now()) AND is_future(recorded_at)
        AND NOT EXISTS (SELECT FROM withdrawn_rate WHERE rate_id = id)`
    const rows = yield* sql`
      SELECT in_force.source_currency || ':' || in_force.destination_currency AS pair,
        wrong.id AS from_id, trim_scale(wrong.rate) AS from_rate, wrong.observed_at AS from_observed_at,
        credible.id AS to_id, trim_scale(credible.rate) AS to_rate, credible.observed_at AS to_observed_at
      FROM asset_rate_in_force AS in_force
      JOIN exchange_rate AS wrong ON wrong.id = latest_id
      LEFT JOIN exchange_rate AS credible ON credible.id = rate_id
      WHERE rate_id IS DISTINCT FROM latest_id ORDER BY 1`
    const replacements = (yield* Effect.orDie(decodeRows(rows))).map((found): RateReplacement => ({
      pair: found.pair,
      from: { id: found.fromId, rate: found.fromRate, observedAt: found.fromObservedAt },
      to: Option.all({ id: found.toId, rate: found.toRate, observedAt: found.toObservedAt })
    }))
    return { withdrawn: row?.count ?? 0, replacements } satisfies RepairPlan
  })

  const apply = Effect.gen(function* () {
    // Keeps polls from storing rates between the steps.
    yield* sql`LOCK TABLE latest_rate IN SHARE ROW EXCLUSIVE MODE`
    const planned = yield* readPlan
    yield* sql`SELECT withdraw_future_rates()`
    yield* sql`
      UPDATE latest_rate SET rate_id = credible.id, observed_at = credible.observed_at
      FROM asset_rate_in_force AS in_force JOIN exchange_rate AS credible ON credible.id = in_force.rate_id
      WHERE in_force.rate_id <> in_force.latest_id AND latest_rate.rate_id = in_force.latest_id`
    yield* sql`
      DELETE FROM latest_rate USING asset_rate_in_force AS in_force
      WHERE in_force.rate_id IS NULL AND latest_rate.rate_id = in_force.latest_id`
    return planned
  })

  return RateRepair.of({
    plan: Effect.withSpan(execute(readPlan), "RateRepair.plan"),
    repair: Effect.withSpan(execute(sql.withTransaction(apply)), "RateRepair.repair")
  })
})

/** Repairs the latest rates after the clock of the database was ahead. The next poll does the same for what it refreshes. */
export class RateRepair extends Context.Service<
  RateRepair,
  {
    /** Returns what {@link repair} would change. */
    readonly plan: Effect.Effect<RepairPlan, StoreUnavailable>
    /** Withdraws the rates that were recorded in the future, and returns the latest rates to the last credible ones. */
    readonly repair: Effect.Effect<RepairPlan, StoreUnavailable>
  }
>()("effex/rates/RateRepair") {
  static readonly layer = Layer.effect(RateRepair, make)
}

const decodeRows = Schema.decodeUnknownEffect(
  Schema.Array(
    Schema.Struct({
      pair: Schema.String,
      fromId: RateId,
      fromRate: Schema.String,
      fromObservedAt: Schema.DateTimeUtcFromDate,
      toId: Schema.OptionFromNullOr(RateId),
      toRate: Schema.OptionFromNullOr(Schema.String),
      toObservedAt: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate)
    })
  )
)

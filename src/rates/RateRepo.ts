import { Array, Context, DateTime, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Statement } from "effect/sql"
import type { AssetPair } from "../domain/money/AssetPair.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as RateIds from "../domain/rates/RateIds.ts"
import type { Rate, RateId, RateRecord, RateTick } from "../domain/rates/Rate.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as LeaderTerms from "../platform/LeaderTerms.ts"
import type { FencedPoll } from "./polling/PollRepo.ts"
import { decodeRates, decodeRecords } from "./RateRows.ts"

/** Condition under which a statement stores a tick. */
export interface Admission {
  /** Query of the CTE `admitted`: one row if the tick may be stored under the id, none otherwise. */
  readonly admitted: (id: RateId) => Statement.Fragment
  /** More CTEs, which may read `admitted`. Each starts with a comma. */
  readonly extraCtes: (id: RateId) => Statement.Fragment
}

const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database
  const random = yield* SecureRandom.SecureRandom

  const columns = sql.literal(
    "id, source_currency, destination_currency, rate, provider, observed_at, quoted_at"
  )

  const store = Effect.fn("RateRepo.insert")(function* (
    tick: RateTick,
    { admitted, extraCtes }: Admission,
    poll: Option.Option<FencedPoll>
  ) {
    const recordedAt = yield* DateTime.now
    const id = RateIds.make(tick.observedAt, recordedAt, yield* RateIds.randomEntropy(random))
    const legs = (tick.legs ?? []).map((leg) => ({
      id: leg.id,
      source_currency: leg.pair.from,
      destination_currency: leg.pair.to,
      rate: Decimal.format(leg.rate),
      provider_rate: leg.providerRate
    }))
    const observedAt = DateTime.toDateUtc(tick.observedAt)
    const quotedAt = tick.quotedAt === undefined ? null : DateTime.toDateUtc(tick.quotedAt)
    const pollRate = Option.match(poll, {
      onNone: () => sql.literal(""),
      onSome: ({ id }) => sql`
        , poll_rates AS (
          INSERT INTO poll_rate (poll_run_id, source_currency, destination_currency, rate_id)
          SELECT ${id}::uuid, source_currency, destination_currency, id FROM inserted
        )`
    })
    const inserted = yield* execute(sql<{ observedAt: Date }>`
      WITH admitted AS (${admitted(id)}), answer AS (
        SELECT ${tick.provider}::text AS provider, to_jsonb(${tick.raw}::text) AS raw,
          ${observedAt}::timestamptz AS observed_at, ${quotedAt}::timestamptz AS quoted_at, ${DateTime.toDateUtc(recordedAt)}::timestamptz AS recorded_at
        FROM admitted
      ), leg AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(legs)}::text::jsonb) AS leg (
          id uuid, source_currency text, destination_currency text, rate numeric, provider_rate text)
      ), inserted_legs AS (
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, quoted_at, recorded_at, is_leg
        ) SELECT
          id, source_currency, destination_currency, rate, 1, rate,
          provider, provider_rate, raw, observed_at, quoted_at, recorded_at, true
        FROM leg, answer
        ON CONFLICT (id) DO NOTHING
      ), inserted AS (
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, derived_from, raw, observed_at, quoted_at, recorded_at
        ) SELECT
          ${id}::uuid, ${tick.pair.from}::text, ${tick.pair.to}::text, ${Decimal.format(tick.rate)}::numeric,
          ${Decimal.format(tick.sourceAmount)}::numeric, ${Decimal.format(tick.destinationAmount)}::numeric,
          provider, ${tick.providerRate}::text, (SELECT array_agg(id) FROM leg), raw, observed_at, quoted_at, recorded_at
        FROM answer
        RETURNING id, source_currency, destination_currency, observed_at
      ), advanced AS (
        INSERT INTO latest_rate (source_currency, destination_currency, rate_id, observed_at)
        SELECT source_currency, destination_currency, id, observed_at FROM inserted
        ${sql.literal(ADVANCE_ON_CONFLICT)}
      ) ${pollRate} ${extraCtes(id)}
      SELECT observed_at FROM inserted`)
    const { pair, provider, rate } = tick
    // The database corrects a time in its future.
    return Option.map(Array.head(inserted), ({ observedAt }): Rate => ({
      id,
      pair,
      rate,
      provider,
      observedAt: DateTime.fromDateUnsafe(observedAt),
      ...(tick.quotedAt === undefined ? {} : { quotedAt: tick.quotedAt })
    }))
  })

  const noCtes = () => sql.literal("")

  const insert: RateRepo["Service"]["insert"] = (tick) =>
    store(tick, { admitted: () => sql`SELECT 1`, extraCtes: noCtes }, Option.none()).pipe(
      Effect.flatMap(Effect.fromOption),
      Effect.catchTag("NoSuchElementError", Effect.die)
    )

  const insertFenced: RateRepo["Service"]["insertFenced"] = (tick, poll) =>
    store(
      tick,
      { admitted: () => LeaderTerms.fence(sql, Option.some(poll.leadership)), extraCtes: noCtes },
      Option.some(poll)
    ).pipe(
      Effect.flatMap(Effect.fromOption),
      Effect.catchTag("NoSuchElementError", () => new LeaderTerms.Superseded(poll.leadership))
    )

  const latest = Effect.fn("RateRepo.latest")(function* (pair: AssetPair) {
    const rows = yield* execute(sql`
      SELECT ${columns} FROM exchange_rate WHERE id = (
        SELECT rate_id FROM asset_rate_in_force
        WHERE source_currency = ${pair.from} AND destination_currency = ${pair.to})`)
    return Array.head(yield* decodeRates(rows))
  })

  const latestAll = execute(sql`
    SELECT ${columns} FROM exchange_rate WHERE id IN (SELECT rate_id FROM asset_rate_in_force)
    ORDER BY source_currency, destination_currency`).pipe(
    Effect.flatMap(decodeRates),
    Effect.withSpan("RateRepo.latestAll")
  )

  const latestIds = execute(
    sql<{ key: string; rateId: RateId }>`
      SELECT source_currency || ':' || destination_currency AS key, rate_id FROM asset_rate_in_force
      WHERE rate_id IS NOT NULL`
  ).pipe(
    Effect.map((rows) => new Map(rows.map(({ key, rateId }) => [key, rateId]))),
    Effect.withSpan("RateRepo.latestIds")
  )

  const byId = Effect.fn("RateRepo.byId")(function* (id: RateId) {
    const rows = yield* execute(sql`
      SELECT ${columns}, source_amount, destination_amount, provider_rate, raw #>> '{}' AS raw, recorded_at,
        coalesce(derived_from, '{}') AS derived_from
      FROM exchange_rate WHERE id = ${id}`)
    return Array.head(yield* decodeRecords(rows))
  })

  return RateRepo.of({ insert, insertFenced, insertIf: store, latest, latestAll, latestIds, byId })
})

/** Rates in PostgreSQL. Rows are immutable. */
export class RateRepo extends Context.Service<
  RateRepo,
  {
    /** Stores a tick as an immutable rate, and makes it the latest of its pair unless a later one is stored. */
    readonly insert: (tick: RateTick) => Effect.Effect<Rate, StoreUnavailable>
    /** Like {@link insert}, for a leader's poll: once per pair, and only while the term lasts. */
    readonly insertFenced: (
      tick: RateTick,
      poll: FencedPoll
    ) => Effect.Effect<Rate, StoreUnavailable | LeaderTerms.Superseded>
    /** Like {@link insert}, if the admission holds in the same statement. Returns none if it does not. */
    readonly insertIf: (
      tick: RateTick,
      admission: Admission,
      poll: Option.Option<FencedPoll>
    ) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** Latest rate of a pair. */
    readonly latest: (pair: AssetPair) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** Latest rate of every pair that has one. */
    readonly latestAll: Effect.Effect<ReadonlyArray<Rate>, StoreUnavailable>
    /** Id of the latest rate of every pair that has one, by pair key. */
    readonly latestIds: Effect.Effect<ReadonlyMap<string, RateId>, StoreUnavailable>
    readonly byId: (id: RateId) => Effect.Effect<Option.Option<RateRecord>, StoreUnavailable>
  }
>()("effex/rates/RateRepo") {
  static readonly layer = Layer.effect(RateRepo, make)
}

/** Conflict clause for INSERT INTO latest_rate: the latest rate only moves forward, unless a wrong clock moved it ahead. */
export const ADVANCE_ON_CONFLICT = `
  ON CONFLICT (source_currency, destination_currency) DO UPDATE
    SET rate_id = excluded.rate_id, observed_at = excluded.observed_at
    WHERE (excluded.observed_at, excluded.rate_id) > (latest_rate.observed_at, latest_rate.rate_id)
      OR is_future(latest_rate.observed_at)
      OR EXISTS (SELECT FROM withdrawn_rate WHERE withdrawn_rate.rate_id = latest_rate.rate_id)`

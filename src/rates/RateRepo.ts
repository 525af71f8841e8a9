import { Array, Context, DateTime, Effect, Layer, Option, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { Statement } from "effect/sql"
import { CurrencyCode } from "../domain/money/Currency.ts"
import { CurrencyPair } from "../domain/money/CurrencyPair.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import * as RateIds from "../domain/rates/RateIds.ts"
import { type Rate, RateId, type RateRecord, type RateTick } from "../domain/rates/Rate.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as Leader from "../platform/Leader.ts"
import type { LedPoll } from "./polling/PollRepo.ts"

/** What decides whether a tick is stored. */
export interface Admission {
  /** A statement named `admitted`, with one row where the tick may be stored under the id, and none otherwise. */
  readonly admitted: (id: RateId) => Statement.Fragment
  /** More statements of a WITH, which may read `admitted`; each begins with a comma. */
  readonly beside: (id: RateId) => Statement.Fragment
}

/** Rates in Postgres: inserted, never updated. */
export class RateRepo extends Context.Service<
  RateRepo,
  {
    /** Stores a tick for ever, and makes it the latest of its pair unless a later one is there. */
    readonly insert: (tick: RateTick) => Effect.Effect<Rate, StoreUnavailable>
    /** As {@link insert}, for what a led poll brought: once for each pair, and not at all when the term is over. */
    readonly insertLed: (
      tick: RateTick,
      poll: LedPoll
    ) => Effect.Effect<Rate, StoreUnavailable | Leader.Superseded>
    /**
     * As {@link insert}, for a tick of which the same statement decides whether it is stored, and for a led poll where
     * there is one. None where it is not.
     */
    readonly insertIf: (
      tick: RateTick,
      admission: Admission,
      poll: Option.Option<LedPoll>
    ) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** The latest rate of a pair. */
    readonly latest: (pair: CurrencyPair) => Effect.Effect<Option.Option<Rate>, StoreUnavailable>
    /** The latest rate of every pair that has one. */
    readonly latestAll: Effect.Effect<ReadonlyArray<Rate>, StoreUnavailable>
    /** The id of the latest rate of every pair that has one, by the pair's key. */
    readonly latestIds: Effect.Effect<ReadonlyMap<string, RateId>, StoreUnavailable>
    readonly byId: (id: RateId) => Effect.Effect<Option.Option<RateRecord>, StoreUnavailable>
  }
>()("effex/rates/RateRepo") {
  static readonly layer = Layer.effect(
    RateRepo,
    Effect.suspend(() => make)
  )
}

/** Ends an INSERT into latest_rate, which only moves forward. */
export const UNLESS_LATER = `
  ON CONFLICT (source_currency, destination_currency) DO UPDATE
    SET rate_id = excluded.rate_id, observed_at = excluded.observed_at
    WHERE (excluded.observed_at, excluded.rate_id) > (latest_rate.observed_at, latest_rate.rate_id)`

const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database
  const random = yield* SecureRandom.SecureRandom

  const columns = sql.literal("id, source_currency, destination_currency, rate, provider, observed_at")

  const store = Effect.fn("RateRepo.insert")(function* (
    tick: RateTick,
    { admitted, beside }: Admission,
    poll: Option.Option<LedPoll>
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
    const brought = Option.match(poll, {
      onNone: () => sql.literal(""),
      onSome: ({ id }) => sql`
        , brought AS (
          INSERT INTO poll_rate (poll_run_id, source_currency, destination_currency, rate_id)
          SELECT ${id}::uuid, source_currency, destination_currency, id FROM inserted
        )`
    })
    const inserted = yield* execute(sql`
      WITH admitted AS (${admitted(id)}), answer AS (
        SELECT ${tick.provider}::text AS provider, ${tick.raw}::text::jsonb AS raw,
          ${observedAt}::timestamptz AS observed_at, ${DateTime.toDateUtc(recordedAt)}::timestamptz AS recorded_at
        FROM admitted
      ), leg AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(legs)}::text::jsonb) AS leg (
          id uuid, source_currency text, destination_currency text, rate numeric, provider_rate text)
      ), kept AS (
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at, is_leg
        ) SELECT
          id, source_currency, destination_currency, rate, 1, rate,
          provider, provider_rate, raw, observed_at, recorded_at, true
        FROM leg, answer
        ON CONFLICT (id) DO NOTHING
      ), inserted AS (
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, derived_from, raw, observed_at, recorded_at
        ) SELECT
          ${id}::uuid, ${tick.pair.from}::text, ${tick.pair.to}::text, ${Decimal.format(tick.rate)}::numeric,
          ${Decimal.format(tick.sourceAmount)}::numeric, ${Decimal.format(tick.destinationAmount)}::numeric,
          provider, ${tick.providerRate}::text, (SELECT array_agg(id) FROM leg), raw, observed_at, recorded_at
        FROM answer
        RETURNING id, source_currency, destination_currency, observed_at
      ), advanced AS (
        INSERT INTO latest_rate (source_currency, destination_currency, rate_id, observed_at)
        SELECT source_currency, destination_currency, id, observed_at FROM inserted
        ${sql.literal(UNLESS_LATER)}
      ) ${brought} ${beside(id)}
      SELECT id FROM inserted`)
    const { observedAt: inForceFrom, pair, provider, rate } = tick
    return inserted.length === 0
      ? Option.none<Rate>()
      : Option.some<Rate>({ id, pair, rate, provider, observedAt: inForceFrom })
  })

  const nothing = () => sql.literal("")

  const insert: RateRepo["Service"]["insert"] = (tick) =>
    store(tick, { admitted: () => sql`SELECT 1`, beside: nothing }, Option.none()).pipe(
      Effect.flatMap(Effect.fromOption),
      Effect.catchTag("NoSuchElementError", Effect.die)
    )

  const insertLed: RateRepo["Service"]["insertLed"] = (tick, poll) =>
    store(
      tick,
      { admitted: () => Leader.fence(sql, Option.some(poll.leadership)), beside: nothing },
      Option.some(poll)
    ).pipe(
      Effect.flatMap(Effect.fromOption),
      Effect.catchTag("NoSuchElementError", () => new Leader.Superseded(poll.leadership))
    )

  const latest = Effect.fn("RateRepo.latest")(function* (pair: CurrencyPair) {
    const rows = yield* execute(sql`
      SELECT ${columns} FROM exchange_rate WHERE id = (
        SELECT rate_id FROM latest_rate
        WHERE source_currency = ${pair.from} AND destination_currency = ${pair.to})`)
    return Array.head(yield* decodeRows(rows))
  })

  const latestAll = execute(sql`
    SELECT ${columns} FROM exchange_rate WHERE id IN (SELECT rate_id FROM latest_rate)
    ORDER BY source_currency, destination_currency`).pipe(
    Effect.flatMap(decodeRows),
    Effect.withSpan("RateRepo.latestAll")
  )

  const latestIds = execute(
    sql<{ key: string; rateId: RateId }>`
      SELECT source_currency || ':' || destination_currency AS key, rate_id FROM latest_rate`
  ).pipe(
    Effect.map((rows) => new Map(rows.map(({ key, rateId }) => [key, rateId]))),
    Effect.withSpan("RateRepo.latestIds")
  )

  const byId = Effect.fn("RateRepo.byId")(function* (id: RateId) {
    const rows = yield* execute(sql`
      SELECT ${columns}, source_amount, destination_amount, provider_rate, raw::text AS raw, recorded_at,
        coalesce(derived_from, '{}') AS derived_from
      FROM exchange_rate WHERE id = ${id}`)
    return Array.head(yield* decodeRecords(rows))
  })

  return RateRepo.of({ insert, insertLed, insertIf: store, latest, latestAll, latestIds, byId })
})

/** What is read of every rate. */
export const rateColumns = {
  id: RateId,
  sourceCurrency: CurrencyCode,
  destinationCurrency: CurrencyCode,
  rate: Decimal.PositiveDecimal,
  provider: Schema.String,
  observedAt: Schema.DateTimeUtcFromDate
}

const RateRow = Schema.Struct(rateColumns)

const RecordRow = Schema.Struct({
  ...rateColumns,
  sourceAmount: Decimal.PositiveDecimal,
  destinationAmount: Decimal.PositiveDecimal,
  providerRate: Schema.String,
  raw: Schema.String,
  derivedFrom: Schema.Array(RateId),
  recordedAt: Schema.DateTimeUtcFromDate
})

export const toRate = (row: typeof RateRow.Type): Rate => ({
  id: row.id,
  pair: new CurrencyPair({ from: row.sourceCurrency, to: row.destinationCurrency }),
  rate: row.rate,
  provider: row.provider,
  observedAt: row.observedAt
})

const decodeRows = (rows: unknown) =>
  Schema.decodeUnknownEffect(Schema.Array(RateRow))(rows).pipe(
    Effect.orDie,
    Effect.map((decoded) => decoded.map(toRate))
  )

const decodeRecords = (rows: unknown) =>
  Schema.decodeUnknownEffect(Schema.Array(RecordRow))(rows).pipe(
    Effect.orDie,
    Effect.map((decoded) =>
      decoded.map((row): RateRecord => ({
        rate: toRate(row),
        sourceAmount: row.sourceAmount,
        destinationAmount: row.destinationAmount,
        providerRate: row.providerRate,
        raw: row.raw,
        derivedFrom: row.derivedFrom,
        recordedAt: row.recordedAt
      }))
    )
  )

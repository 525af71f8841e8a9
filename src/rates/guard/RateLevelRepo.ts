import { type BigDecimal, Context, DateTime, Duration, Effect, Layer, Option } from "effect"
import type { Statement } from "effect/sql"
import type { Levels, Step } from "../../domain/rates/AnomalyLevels.ts"
import { AssetPair } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import type { RateLeg, RateTick } from "../../domain/rates/Rate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { decodeDecisions, decodeLegs, decodeLevels, decodeSteps } from "./RateLevelRows.ts"
import * as TickConditions from "./TickConditions.ts"
import * as UnchangedRates from "./UnchangedRates.ts"

/** Time within which small changes of a rate are added up. A confirmed rate starts a new window. */
export const LEVEL_WINDOW = Duration.days(7)
/** The long window. Rates that are older are not compared with new ones. */
export const MAX_LEVEL_AGE = Duration.days(30)

/** Maximum number of steps that are read. */
const MAX_STEPS = 20

type Level = Omit<Levels, "steps">

/** Earlier rates of a pair, with which a tick is compared. */
export interface PairLevels {
  /** Rates of all providers. */
  readonly all: Option.Option<Level>
  /** Rates of the tick's own provider. */
  readonly own: Option.Option<Level>
  /** First rate of a fallback provider after the last one of the tick's own provider, within a day. */
  readonly fallback: Option.Option<BigDecimal.BigDecimal>
  /** Rate that an operator accepted last, within a day. */
  readonly accepted: Option.Option<BigDecimal.BigDecimal>
}

/** A change of level that an operator accepted for another pair of the same currency. */
export interface CurrencyDecision {
  readonly pair: AssetPair
  readonly rate: BigDecimal.BigDecimal
  /** The good rate before. None if it was the first rate of the pair. */
  readonly before: Option.Option<BigDecimal.BigDecimal>
  readonly observedAt: DateTime.Utc
  readonly principal: string
}

const make = Effect.gen(function* () {
  const { sql, execute } = yield* Database

  const { goodRates, quarantinedTicks } = TickConditions.make(sql)

  /** The good rate in force at a time, or else the first one after it. */
  const anchorAt = (tick: RateTick, isOwn: boolean, after: DateTime.Utc, time: Statement.Fragment) => sql`(
      SELECT rate, observed_at FROM exchange_rate
      WHERE ${goodRates(tick, isOwn, after)} AND observed_at <= ${time}
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
    ) UNION ALL (
      SELECT rate, observed_at FROM exchange_rate
      WHERE ${goodRates(tick, isOwn, after)} AND observed_at > ${time}
      ORDER BY observed_at, recorded_at DESC, id DESC LIMIT 1
    ) ORDER BY observed_at LIMIT 1`

  /** The last good rate, and the ones at the start of both windows. */
  const level = (tick: RateTick, isOwn: boolean, after: DateTime.Utc) => sql`
    SELECT newest.rate AS last, newest.observed_at AS last_at, anchor.rate AS anchor, anchor.observed_at AS anchor_at,
      oldest.rate AS oldest, oldest.observed_at AS oldest_at
    FROM (
      SELECT rate, observed_at FROM exchange_rate WHERE ${goodRates(tick, isOwn, after)}
      ORDER BY observed_at DESC, recorded_at DESC, id DESC LIMIT 1
    ) AS newest,
    (${anchorAt(tick, isOwn, after, sql`(SELECT short FROM window_start)`)}) AS anchor,
    (${anchorAt(tick, isOwn, after, sql`(SELECT long FROM window_start)`)}) AS oldest`

  const levels = Effect.fn("RateLevelRepo.levels")(function* (tick: RateTick) {
    const { from, to } = tick.pair
    const now = yield* DateTime.now
    const lastDay = DateTime.toDateUtc(DateTime.subtract(now, { days: 1 }))
    const windowStart = DateTime.toDateUtc(DateTime.subtractDuration(now, LEVEL_WINDOW))
    const after = DateTime.subtractDuration(now, MAX_LEVEL_AGE)
    const rows = yield* execute(sql`
      WITH window_start AS (
        SELECT greatest(${windowStart}::timestamptz, max(observed_at)) AS short,
          greatest(${DateTime.toDateUtc(after)}::timestamptz, max(observed_at)) AS long
        FROM quarantined_rate
        WHERE source_currency = ${from} AND destination_currency = ${to}
          AND status = 'accepted' AND decided_at > ${DateTime.toDateUtc(after)}
      ), every AS MATERIALIZED (${level(tick, false, after)}), own AS MATERIALIZED (${level(tick, true, after)})
      SELECT every.last AS all_last, every.anchor AS all_anchor, every.anchor_at AS all_anchor_at,
        every.oldest AS all_oldest, every.oldest_at AS all_oldest_at, own.oldest AS own_oldest, own.oldest_at AS own_oldest_at,
        own.last AS own_last, own.anchor AS own_anchor, own.anchor_at AS own_anchor_at, (
          SELECT other.rate FROM own, LATERAL (
            SELECT rate FROM exchange_rate
            WHERE source_currency = ${from} AND destination_currency = ${to} AND provider <> ${tick.provider}
              AND NOT is_leg AND NOT is_imported AND observed_at > own.last_at
              AND observed_at <= own.last_at + interval '1 day'
              AND id >= uuidv7_floor(own.last_at - interval '1 day')
              AND id < uuidv7_floor(own.last_at + interval '2 days')
            ORDER BY observed_at, recorded_at, id LIMIT 1
          ) AS other
        ) AS fallback, (
          SELECT exchange_rate.rate FROM quarantined_rate AS quarantined
          JOIN exchange_rate ON exchange_rate.id = quarantined.rate_id
          WHERE quarantined.source_currency = ${from} AND quarantined.destination_currency = ${to}
            AND quarantined.status = 'accepted' AND quarantined.decided_by = 'operator'
            AND quarantined.decided_at > ${lastDay}
          ORDER BY quarantined.decided_at DESC LIMIT 1
        ) AS accepted
      FROM (SELECT) AS one LEFT JOIN every ON true LEFT JOIN own ON true`)
    const row = yield* decodeLevels(rows[0]).pipe(Effect.orDie)
    return {
      all: Option.all({
        last: row.allLast,
        anchor: row.allAnchor,
        anchorAt: row.allAnchorAt,
        oldest: row.allOldest,
        oldestAt: row.allOldestAt
      }),
      own: Option.all({
        last: row.ownLast,
        anchor: row.ownAnchor,
        anchorAt: row.ownAnchorAt,
        oldest: row.ownOldest,
        oldestAt: row.ownOldestAt
      }),
      fallback: row.fallback,
      accepted: row.accepted
    }
  })

  const largeSteps: RateLevelRepo["Service"]["largeSteps"] = Effect.fn("RateLevelRepo.largeSteps")(
    function* (tick, isOwn, since, minimum) {
      const after = DateTime.subtract(since, { milliseconds: 1 })
      const rows = yield* execute(sql`
        WITH good AS (
          SELECT rate, observed_at, recorded_at, id FROM exchange_rate WHERE ${goodRates(tick, isOwn, after)}
        ), ticks AS (
          SELECT rate, observed_at, recorded_at, id FROM good
          UNION ALL
          SELECT rate, observed_at, recorded_at, id FROM quarantined_rate
          WHERE ${quarantinedTicks(tick, after)} AND status <> 'accepted'
            AND observed_at > (SELECT max(observed_at) FROM good)
          UNION ALL
          SELECT ${Decimal.format(tick.rate)}::numeric, 'infinity', 'infinity', NULL
        ), steps AS (
          SELECT observed_at, rate, lag(rate) OVER (ORDER BY observed_at, recorded_at, id) AS previous FROM ticks
        )
        SELECT previous AS from, rate AS to FROM steps
        WHERE greatest(rate, previous) > least(rate, previous) * (1 + ${Decimal.format(minimum)}::numeric)
        ORDER BY observed_at DESC LIMIT ${MAX_STEPS}`)
      return yield* decodeSteps(rows).pipe(Effect.orDie)
    }
  )

  const lastLegs = Effect.fn("RateLevelRepo.lastLegs")(function* (tick: RateTick) {
    const legs = tick.legs ?? []
    const after = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, MAX_LEVEL_AGE))
    return yield* Effect.forEach(
      legs,
      Effect.fnUntraced(function* (leg) {
        const rows = yield* execute(sql`
          SELECT rate FROM exchange_rate
          WHERE source_currency = ${leg.pair.from} AND destination_currency = ${leg.pair.to}
            AND provider = ${tick.provider} AND is_leg AND NOT is_imported AND observed_at > ${after}
            AND id >= uuidv7_floor(${after}::timestamptz)
          ORDER BY id DESC LIMIT 1`)
        const [row] = yield* decodeLegs(rows).pipe(Effect.orDie)
        return { leg, last: Option.map(Option.fromUndefinedOr(row), ({ rate }) => rate) }
      })
    )
  })

  const currencyDecisions = Effect.fn("RateLevelRepo.currencyDecisions")(function* ({ pair }: RateTick) {
    const since = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, LEVEL_WINDOW))
    const rows = yield* execute(sql`
      SELECT quarantined.source_currency AS from, quarantined.destination_currency AS to, accepted.rate,
        before.rate AS before, quarantined.observed_at, quarantined.principal
      FROM quarantined_rate AS quarantined
      JOIN exchange_rate AS accepted ON accepted.id = quarantined.rate_id
      LEFT JOIN exchange_rate AS before ON before.id = quarantined.last_good_id
      WHERE quarantined.status = 'accepted' AND quarantined.decided_by = 'operator'
        AND quarantined.decided_at > ${since}
        AND quarantined.destination_currency IN (${pair.from}, ${pair.to})
        AND quarantined.source_currency NOT IN (${pair.from}, ${pair.to})
      ORDER BY quarantined.decided_at DESC, quarantined.id DESC LIMIT 50`)
    return (yield* decodeDecisions(rows).pipe(Effect.orDie)).map(
      ({ from, to, ...decision }): CurrencyDecision => ({ ...decision, pair: new AssetPair({ from, to }) })
    )
  })

  const unchangedSince = yield* UnchangedRates.make

  return RateLevelRepo.of({ levels, largeSteps, lastLegs, currencyDecisions, unchangedSince })
})

/** Reads the rates that a tick is compared with from PostgreSQL. */
export class RateLevelRepo extends Context.Service<
  RateLevelRepo,
  {
    /** Looks back 30 days. Ignores imported rates, and rates of the sandbox for a real tick. */
    readonly levels: (tick: RateTick) => Effect.Effect<PairLevels, StoreUnavailable>
    /**
     * Steps larger than `minimum`, a fraction, between consecutive good rates since a time, of the tick's provider only
     * or of all; then to the rates of its provider that were refused since, and to the tick. Newest first, at most 20.
     */
    readonly largeSteps: (
      tick: RateTick,
      isOwn: boolean,
      since: DateTime.Utc,
      minimum: BigDecimal.BigDecimal
    ) => Effect.Effect<ReadonlyArray<Step>, StoreUnavailable>
    /** The legs of a tick, each with its last good rate. */
    readonly lastLegs: (
      tick: RateTick
    ) => Effect.Effect<
      ReadonlyArray<{ readonly leg: RateLeg; readonly last: Option.Option<BigDecimal.BigDecimal> }>,
      StoreUnavailable
    >
    /** Decisions of operators within the window on other pairs into one of the tick's currencies, newest first. */
    readonly currencyDecisions: (
      tick: RateTick
    ) => Effect.Effect<ReadonlyArray<CurrencyDecision>, StoreUnavailable>
    /**
     * Returns a time since which the tick's provider has sent the same digits, quarantined or not, if that is at least
     * `atLeast` ago and the provider has sent ticks in between. Looks back 30 days further than that.
     */
    readonly unchangedSince: (
      tick: RateTick,
      atLeast: Duration.Duration
    ) => Effect.Effect<Option.Option<DateTime.Utc>, StoreUnavailable>
  }
>()("effex/rates/guard/RateLevelRepo") {
  static readonly layer = Layer.effect(RateLevelRepo, make)
}

import { Clock, Context, Duration, Effect, Layer, Option, Result, Schedule } from "effect"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"

/** Time for which a pair counts as requested. */
const REQUESTED_FOR = Duration.hours(1)
/** Interval at which requested pairs are written. A pair that is asked for all the time is written once a minute. */
const WRITE_INTERVAL = Duration.seconds(10)
const REWRITE_MILLIS = 60_000

const make = Effect.gen(function* () {
  const { pairs } = yield* AssetCatalog
  const { execute, sql } = yield* Database
  const clock = yield* Clock.Clock
  /** Monotonic milliseconds at which a pair was last noted. */
  const notedAt = new Map<string, number>()
  let unwritten = new Map<string, AssetPair>()

  const note: RequestedPairs["Service"]["note"] = (pair) => {
    if (pairs.isPolled(pair)) return
    const { key } = pair
    const now = MonotonicClock.millisUnsafe(clock)
    const last = notedAt.get(key)
    if (last !== undefined && now - last < REWRITE_MILLIS) return
    notedAt.set(key, now)
    unwritten.set(key, pair)
  }

  const write = Effect.suspend(() => {
    if (unwritten.size === 0) return Effect.void
    const written = unwritten
    unwritten = new Map()
    const rows = JSON.stringify(Array.from(written.values(), ({ from, to }) => ({ from, to })))
    // Ordered, so that the writes of two nodes cannot deadlock.
    return execute(sql`
      INSERT INTO requested_pair (source_currency, destination_currency, requested_at)
      SELECT "from", "to", now() FROM jsonb_to_recordset(${rows}::text::jsonb) AS pair ("from" text, "to" text)
      ORDER BY "from", "to"
      ON CONFLICT (source_currency, destination_currency) DO UPDATE SET requested_at = excluded.requested_at`).pipe(
      Effect.tapError(() =>
        Effect.sync(() => {
          unwritten = new Map([...written, ...unwritten])
        })
      ),
      Effect.asVoid
    )
  }).pipe(Effect.withSpan("RequestedPairs.write"))

  const recent = Effect.fn("RequestedPairs.recent")(function* (limit: number) {
    yield* write
    const rows = yield* execute(sql<{ sourceCurrency: string; destinationCurrency: string }>`
      SELECT source_currency, destination_currency FROM requested_pair
      WHERE requested_at > now() - ${Duration.toMillis(REQUESTED_FOR)} * interval '1 millisecond'
      ORDER BY requested_at DESC, source_currency, destination_currency`)
    return rows
      .flatMap(({ destinationCurrency, sourceCurrency }) =>
        Option.toArray(Result.getSuccess(pairs.find(sourceCurrency, destinationCurrency)))
      )
      .filter((pair) => !pairs.isPolled(pair))
      .slice(0, limit)
  })

  yield* Effect.ignore(write).pipe(Effect.repeat(Schedule.spaced(WRITE_INTERVAL)), Effect.forkScoped)

  return RequestedPairs.of({ note, recent })
})

/** Pairs that are not polled but were asked for, on any node. */
export class RequestedPairs extends Context.Service<
  RequestedPairs,
  {
    /** Records that a caller got the rate of a pair. Returns at once; the pair is written some seconds later. */
    readonly note: (pair: AssetPair) => void
    /** Returns at most `limit` supported pairs that were asked for in the last hour, the most recent ones first. */
    readonly recent: (limit: number) => Effect.Effect<ReadonlyArray<AssetPair>, StoreUnavailable>
  }
>()("effex/rates/polling/RequestedPairs") {
  static readonly layer = Layer.effect(RequestedPairs, make)
}

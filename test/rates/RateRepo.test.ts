import { assert, layer } from "@effect/vitest"
import { BigDecimal, Cause, Clock, DateTime, type Duration, Effect, Exit, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import { Settings } from "../../src/config/Settings.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { RateId } from "../../src/domain/rates/Rate.ts"
import * as RateIds from "../../src/domain/rates/RateIds.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { storeInFuture } from "../support/FutureRates.ts"
import { pairOf, plain, tick } from "../support/RateTicks.ts"
import * as SkewedClock from "../support/SkewedClock.ts"

const TestLayer = RateRepo.layer.pipe(
  Layer.provideMerge(SecureRandom.layerWebCrypto),
  Layer.provideMerge(TestDatabase.layer())
)

/** The clock of a machine that is ahead. */
const aheadBy = Effect.fnUntraced(function* (skew: Duration.Input) {
  const { clock, setTimeOfDay } = yield* SkewedClock.make
  yield* setTimeOfDay(skew, "ahead")
  return clock
})

layer(TestLayer, { excludeTestServices: true })("RateRepo", (it) => {
  it.effect("returns a rate exactly as inserted", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const given = yield* tick("USD", "NGN", "1534.12345678", "2026-11-21T03:27:17.086Z")
      const rate = yield* repo.insert(given)
      const found = Option.getOrThrow(yield* repo.latest(given.pair))
      assert.deepStrictEqual(plain(found), plain(rate))
      const record = Option.getOrThrow(yield* repo.byId(rate.id))
      assert.deepStrictEqual(plain(record.rate), plain(rate))
      assert.strictEqual(Decimal.format(record.destinationAmount), "1000000")
      assert.strictEqual(record.providerRate, given.providerRate)
      assert.strictEqual(record.raw, given.raw)
    })
  )

  it.effect("returns the response byte for byte, and as JSON for a row of an earlier version", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const raw = '{ "b":1.50,"a":1e0,\r\n"a":1e0, "text":"\\u0000\\ud800 é☃", "rate":1e999999 }\n'
      const given = yield* tick("USD", "UGX", "3620", "2026-11-21T03:27:17.086Z")
      const rate = yield* repo.insert({ ...given, raw })
      assert.strictEqual(Option.getOrThrow(yield* repo.byId(rate.id)).raw, raw)

      const earlier = RateIds.make(given.observedAt, given.observedAt, 1)
      yield* sql`
        INSERT INTO exchange_rate (
          id, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, raw, observed_at, recorded_at
        ) SELECT ${earlier}::uuid, source_currency, destination_currency, rate, source_amount, destination_amount,
          provider, provider_rate, '{"rate": 1534.50}', observed_at, recorded_at
        FROM exchange_rate WHERE id = ${rate.id}`
      assert.strictEqual(Option.getOrThrow(yield* repo.byId(earlier)).raw, '{"rate": 1534.50}')
    })
  )

  it.effect("returns none for an unknown pair and an unknown id", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const { pairs } = yield* Settings
      assert.deepStrictEqual(yield* repo.latest(pairs.all.at(-1) ?? assert.fail()), Option.none())
      const unknown = RateId.make("01980000-0000-7000-8000-000000000000")
      assert.deepStrictEqual(yield* repo.byId(unknown), Option.none())
    })
  )

  it.effect("stores a leg once, and never as the latest rate", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const at = DateTime.makeUnsafe("2026-11-21T11:00:00.000Z")
      const legOf = (from: string, to: string, rate: string) => ({
        id: RateIds.make(at, at, Number(rate)),
        pair: pairOf(from, to),
        rate: BigDecimal.fromStringUnsafe(rate),
        providerRate: rate
      })
      const dollar = legOf("EUR", "USD", "2")
      const naira = legOf("EUR", "NGN", "3200")
      const given = yield* tick("USD", "NGN", "1600", "2026-11-21T11:00:00.000Z")
      const first = yield* repo.insert({ ...given, legs: [dollar, naira] })
      const second = yield* repo.insert({ ...given, pair: pairOf("CAD", "XOF"), legs: [dollar] })
      const derivedFrom = (id: RateId) =>
        Effect.map(repo.byId(id), (found) => Option.getOrThrow(found).derivedFrom)
      assert.deepStrictEqual(yield* derivedFrom(first.id), [dollar.id, naira.id])
      assert.deepStrictEqual(yield* derivedFrom(second.id), [dollar.id])
      const leg = Option.getOrThrow(yield* repo.byId(naira.id))
      assert.strictEqual(leg.rate.pair.key, "EUR:NGN")
      assert.strictEqual(Decimal.format(leg.rate.rate), "3200")
      assert.deepStrictEqual(yield* repo.latest(naira.pair), Option.none())
    })
  )

  it.effect("only moves the latest rate forward, regardless of the order of inserts", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const later = yield* tick("USD", "KES", "130", "2026-11-21T10:00:00.000Z")
      const earlier = yield* tick("USD", "KES", "120", "2026-11-21T09:00:00.000Z")
      const newest = yield* repo.insert(later)
      yield* repo.insert(earlier)
      assert.deepStrictEqual(plain(Option.getOrThrow(yield* repo.latest(later.pair))), plain(newest))
      const ids = yield* repo.latestIds
      assert.strictEqual(ids.get("USD:KES"), newest.id)
      const all = yield* repo.latestAll
      assert.deepStrictEqual(all.filter(({ pair }) => pair.key === "USD:KES").map(plain), [plain(newest)])
    })
  )

  it.effect("gives a rate of a node whose clock is ahead the time of the database", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const ahead = DateTime.add(yield* DateTime.now, { minutes: 10 })
      const given = yield* tick("EUR", "GHS", "12", DateTime.formatIso(ahead))
      const rate = yield* repo
        .insert(given)
        .pipe(Effect.provideService(Clock.Clock, yield* aheadBy("10 minutes")))
      const now = yield* DateTime.now
      assert.isTrue(DateTime.isLessThanOrEqualTo(rate.observedAt, now), DateTime.formatIso(rate.observedAt))
      assert.deepStrictEqual(plain(Option.getOrThrow(yield* repo.latest(given.pair))), plain(rate))
      const record = Option.getOrThrow(yield* repo.byId(rate.id))
      assert.isTrue(DateTime.isLessThanOrEqualTo(record.recordedAt, now))
    })
  )

  it.effect("rejects a rate of a node whose clock is days ahead", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const ahead = DateTime.add(yield* DateTime.now, { days: 2 })
      const given = yield* tick("EUR", "UGX", "4000", DateTime.formatIso(ahead))
      const exit = yield* Effect.exit(
        repo.insert(given).pipe(Effect.provideService(Clock.Clock, yield* aheadBy("2 days")))
      )
      assert.include(
        Cause.pretty(Exit.isFailure(exit) ? exit.cause : assert.fail()),
        "correct the clock of the node"
      )
      assert.deepStrictEqual(yield* repo.latest(given.pair), Option.none())
    })
  )

  it.effect("ignores rates that the clock of the database stored while it was ahead, and replaces them", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const minutesAgo = (minutes: number) =>
        Effect.map(DateTime.now, (now) => DateTime.formatIso(DateTime.subtract(now, { minutes })))
      const good = yield* repo.insert(yield* tick("CAD", "KES", "95", yield* minutesAgo(5)))
      const future = yield* Effect.forEach(["96", "97"], (rate) => storeInFuture("CAD", "KES", rate))
      const latest = Effect.map(repo.latest(good.pair), Option.getOrThrow)
      assert.deepStrictEqual(plain(yield* latest), plain(good))
      assert.strictEqual((yield* repo.latestIds).get("CAD:KES"), good.id)
      const all = (yield* repo.latestAll).filter(({ pair }) => pair.key === "CAD:KES")
      assert.deepStrictEqual(all.map(plain), [plain(good)])

      const next = yield* repo.insert(yield* tick("CAD", "KES", "103", yield* minutesAgo(1)))
      assert.deepStrictEqual(plain(yield* latest), plain(next))
      const withdrawn = yield* sql<{ rateId: string }>`SELECT rate_id FROM withdrawn_rate ORDER BY rate_id`
      assert.deepStrictEqual(
        withdrawn.map(({ rateId }) => rateId),
        future
      )
      // A withdrawn rate can still be verified.
      assert.isTrue(Option.isSome(yield* repo.byId(RateId.make(future[0] ?? ""))))
    })
  )

  it.effect("makes a correction of the same time the latest rate", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      yield* repo.insert(yield* tick("USD", "GHS", "11", "2026-11-21T10:00:00.000Z"))
      // Ids of the same millisecond have a random order.
      yield* Effect.sleep("2 millis")
      const correction = yield* repo.insert(yield* tick("USD", "GHS", "12", "2026-11-21T10:00:00.000Z"))
      assert.deepStrictEqual(plain(Option.getOrThrow(yield* repo.latest(correction.pair))), plain(correction))
    })
  )

  it.effect("rejects UPDATE, DELETE and TRUNCATE by the owner, also in each partition", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const rate = yield* repo.insert(yield* tick("EUR", "NGN", "1700", "2026-11-21T10:00:00.000Z"))
      const [partition] = yield* sql<{ name: string }>`
        SELECT tableoid::regclass::text AS name FROM exchange_rate WHERE id = ${rate.id}`
      for (const table of ["exchange_rate", partition?.name ?? assert.fail(), "exchange_rate_default"]) {
        const name = sql.literal(table)
        yield* assertRejected(sql`UPDATE ${name} SET rate = 1`)
        yield* assertRejected(sql`DELETE FROM ${name}`)
        yield* assertRejected(sql`TRUNCATE ${name} CASCADE`)
        yield* assertRejected(
          sql.withTransaction(
            Effect.andThen(sql`SET LOCAL session_replication_role = replica`, sql`DELETE FROM ${name}`)
          )
        )
      }
      assert.isTrue(Option.isSome(yield* repo.byId(rate.id)))
    })
  )

  it.effect("rejects a rate of zero in SQL", () =>
    Effect.gen(function* () {
      const repo = yield* RateRepo
      const good = yield* tick("USD", "ZAR", "17", "2026-11-21T10:00:00.000Z")
      const zero = yield* Effect.exit(repo.insert({ ...good, rate: BigDecimal.make(0n, 0) }))
      assert.isTrue(Exit.isFailure(zero) && Cause.hasDies(zero.cause))
      assert.deepStrictEqual(yield* repo.latest(good.pair), Option.none())
    })
  )

  it.effect("creates partitions for a year ahead", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const [row] = yield* sql<{ count: bigint }>`
        SELECT count(*) FROM pg_inherits WHERE inhparent = 'exchange_rate'::regclass`
      assert.strictEqual(row?.count, 13n)
      const now = yield* DateTime.now
      const rate = yield* repo.insert(yield* tick("GBP", "NGN", "2000", DateTime.formatIso(now)))
      const [partition] = yield* sql<{ name: string }>`
        SELECT tableoid::regclass::text AS name FROM exchange_rate WHERE id = ${rate.id}`
      assert.strictEqual(
        partition?.name,
        `exchange_rate_${DateTime.formatIso(now).slice(0, 7).replace("-", "_")}`
      )
    })
  )

  it.effect("stores rates of a later month in a partition that is created later, also immutable", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const repo = yield* RateRepo
      const partitionOf = (id: RateId) => sql<{ name: string }>`
        SELECT tableoid::regclass::text AS name FROM exchange_rate WHERE id = ${id}`
      const early = yield* repo.insert(yield* tick("EUR", "KES", "150", "2031-04-30T23:59:59.999Z"))
      for (const month of ["2031-04-15", "2031-05-15"])
        yield* sql`SELECT ensure_monthly_partitions('exchange_rate', ${month}::timestamptz, 1)`
      const inserted = yield* repo.insert(yield* tick("EUR", "KES", "151", "2031-05-01T00:00:00.000Z"))
      assert.deepStrictEqual(yield* partitionOf(inserted.id), [{ name: "exchange_rate_2031_05" }])
      // The month before already had a row, which stays in the default partition.
      assert.deepStrictEqual(yield* partitionOf(early.id), [{ name: "exchange_rate_default" }])
      const name = sql.literal("exchange_rate_2031_05")
      yield* assertRejected(sql`UPDATE ${name} SET rate = 1`)
      yield* assertRejected(sql`DELETE FROM ${name}`)
      yield* assertRejected(sql`TRUNCATE ${name} CASCADE`)
    })
  )
})

const assertRejected = (statement: Effect.Effect<unknown, SqlError.SqlError>) =>
  Effect.map(Effect.flip(statement), ({ reason }) => {
    assert.include(String(reason.cause), "its rows are never changed")
  })

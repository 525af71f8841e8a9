import { assert } from "@effect/vitest"
import { BigDecimal, Effect, Option } from "effect"
import type { AssetPair } from "../../../src/domain/money/AssetPair.ts"
import { PollId } from "../../../src/domain/rates/PollRun.ts"
import { RateId } from "../../../src/domain/rates/Rate.ts"
import { LeaderTerms } from "../../../src/platform/LeaderTerms.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { pairOf } from "../../support/RateTicks.ts"
import {
  acceptLast,
  operator,
  outcomeOf,
  poll,
  pollGood,
  polls,
  quarantined,
  quarantinedText,
  quote,
  quotedAt,
  served,
  suite
} from "./GuardedRates.ts"

suite("Quarantine", (test) => {
  const lastId = (pair: AssetPair) =>
    Effect.map(quarantined(pair), (found) => found.at(-1)?.id ?? assert.fail())

  test("accepts ticks at an accepted level", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* pollGood(pair)
      yield* quote({ flutterwave: "40000" })
      yield* polls(pair, 2)
      const accepted = yield* quarantine.accept(yield* lastId(pair), { ...operator, reason: "it is real" })
      assert.deepInclude(accepted.decision, { by: "operator", principal: "key_1", reason: "it is real" })
      assert.strictEqual(yield* served(pair), "40000")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "40000 jump 1 accepted by operator",
        "40000 jump 2 accepted by operator"
      ])
      assert.strictEqual(yield* poll(pair), "40000")
    }))

  test("accepts ticks at an accepted level alongside newer rates at the old level", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* pollGood(pair)
      yield* quote({ flutterwave: "0.00066667" })
      yield* poll(pair)
      const id = yield* lastId(pair)
      yield* quote({ flutterwave: "1501" })
      yield* poll(pair)
      yield* quarantine.accept(id, operator)
      assert.strictEqual(yield* served(pair), "1501")
      yield* quote({ flutterwave: "0.00067" })
      assert.strictEqual(yield* poll(pair), "0.00067")
    }))

  test("accepts no inversion of an accepted level", (pair) =>
    Effect.gen(function* () {
      yield* pollGood(pair)
      yield* quote({ flutterwave: "1.08" })
      yield* poll(pair)
      yield* acceptLast(pair)
      yield* quote({ flutterwave: "0.92592593" })
      assert.strictEqual(yield* poll(pair), "quarantined")
      assert.strictEqual((yield* quarantinedText(pair)).at(-1), "0.92592593 inverted 1 pending")
    }))

  test("accepts no swapped leg at an accepted level", (pair) =>
    Effect.gen(function* () {
      const quoteThrough = (dollars: string, rate: string, id: string) =>
        quote({
          flutterwave: (base) => ({
            ...base,
            rate: BigDecimal.fromStringUnsafe(rate),
            legs: [
              {
                id: RateId.make(`01a0c3e8-a980-7000-8000-${id}`),
                pair: pairOf("EUR", "USD"),
                rate: BigDecimal.fromStringUnsafe(dollars),
                providerRate: dollars
              }
            ]
          })
        })
      yield* quoteThrough("1.08", "1500", "000000000001")
      assert.strictEqual(yield* poll(pair), "1500")
      yield* quoteThrough("1.08", "2250", "000000000002")
      assert.strictEqual(yield* poll(pair), "quarantined")
      yield* acceptLast(pair)
      // 2250 × 1.08², within the maximum jump from the accepted rate.
      yield* quoteThrough("0.92592593", "2624.4", "000000000003")
      assert.strictEqual(yield* poll(pair), "quarantined")
      assert.strictEqual((yield* quarantinedText(pair)).at(-1), "2624.4 inverted 1 pending")
    }))

  test("rejects repetitions of a rejected level, until an operator accepts it", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* pollGood(pair)
      yield* quote({ flutterwave: "2250" })
      yield* polls(pair, 2)
      yield* quarantine.reject((yield* quarantined(pair))[0]?.id ?? assert.fail(), operator)
      assert.deepStrictEqual(new Set(yield* polls(pair, 4)), new Set(["quarantined"]))
      assert.strictEqual(yield* served(pair), "1500")
      assert.deepStrictEqual(yield* quarantinedText(pair), [
        "2250 jump 1 rejected by operator",
        "2250 jump 2 rejected by operator",
        "2250 jump 3 rejected by repetition",
        "2250 jump 4 rejected by repetition",
        "2250 jump 5 rejected by repetition",
        "2250 jump 6 rejected by repetition"
      ])
      yield* quarantine.accept(yield* lastId(pair), operator)
      assert.strictEqual(yield* served(pair), "2250")
      assert.strictEqual(yield* poll(pair), "2250")
    }))

  test("decides a tick once under concurrent decisions", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      const { sql } = yield* Database
      yield* pollGood(pair)
      yield* quote({ flutterwave: "2250" })
      yield* polls(pair, 2)
      const ids = (yield* quarantined(pair)).map(({ id }) => id)
      const results = yield* Effect.all(
        Array.from({ length: 8 }, (_, i) =>
          Effect.result(
            i % 2 === 0
              ? quarantine.accept(ids[i % 4 === 0 ? 0 : 1] ?? assert.fail(), operator)
              : quarantine.reject(ids[0] ?? assert.fail(), operator)
          )
        ),
        { concurrency: "unbounded" }
      )
      const rejections = results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : []))
      assert.deepStrictEqual(new Set(rejections), new Set(["AlreadyDecided"]))
      assert.strictEqual(rejections.length, 7)
      const rows = yield* sql`
        SELECT FROM exchange_rate WHERE rate = 2250 AND source_currency = ${pair.from}`
      const statuses = new Set((yield* quarantined(pair)).map(({ status }) => status))
      assert.deepStrictEqual(statuses, new Set([rows.length === 1 ? "accepted" : "rejected"]))
      assert.isAtMost(rows.length, 1)
    }))

  test("stores the legs of an accepted rate", (pair) =>
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      const repo = yield* RateRepo
      yield* pollGood(pair)
      const leg = Option.getOrThrow(yield* repo.latest(pair))
      yield* quote({
        flutterwave: (base) => ({
          ...quotedAt("2026-09-21T12:00:00.000Z", "2250")(base),
          legs: [{ id: leg.id, pair: leg.pair, rate: leg.rate, providerRate: "1500" }]
        })
      })
      assert.strictEqual(yield* poll(pair), "quarantined")
      const { decision } = yield* quarantine.accept(yield* lastId(pair), operator)
      const record = Option.getOrThrow(yield* repo.byId(decision?.rateId ?? assert.fail()))
      assert.deepStrictEqual(record.derivedFrom, [leg.id])
    }))
})

suite("quarantined_rate", (test) => {
  test("rejects changes of facts and of decisions", (pair) =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* pollGood(pair)
      yield* quote({ flutterwave: "2250" })
      yield* poll(pair)
      const reject = sql`status = 'rejected', decided_at = now(), decided_by = 'operator', principal = 'key_1'`
      for (const statement of [
        sql`UPDATE quarantined_rate SET rate = 1`,
        sql`UPDATE quarantined_rate SET agreeing = 7, ${reject}`,
        sql`UPDATE quarantined_rate SET status = 'accepted', decided_at = now(), decided_by = 'operator', principal = 'key_1'`,
        sql`DELETE FROM quarantined_rate`,
        sql`TRUNCATE quarantined_rate`
      ])
        yield* Effect.flip(statement)
      const rejectAll = sql`UPDATE quarantined_rate SET ${reject} WHERE source_currency = ${pair.from}`
      yield* rejectAll
      yield* Effect.flip(rejectAll)
      yield* Effect.flip(
        sql`UPDATE quarantined_rate SET status = 'pending', decided_at = NULL, decided_by = NULL, principal = NULL`
      )
    }))

  test("stores nothing for a poll whose leader term has ended", (pair) =>
    Effect.gen(function* () {
      const ingest = yield* RateIngest
      const leaderTerms = yield* LeaderTerms
      const { sql } = yield* Database
      yield* pollGood(pair)
      yield* quote({ flutterwave: "2250" })
      const leadership = yield* leaderTerms.startTerm("poller")
      const startedAt = new Date(Date.UTC(2026, 8, 21))
      const id = PollId.make("01980000-0000-7000-8000-000000000000")
      yield* sql`
        INSERT INTO poll_run (id, started_at, pairs, term) VALUES (${id}, ${startedAt}, 44, 1)`
      const fenced = Option.some({ id, leadership })
      assert.strictEqual(yield* outcomeOf(ingest.fetchForPoll(pair, fenced)), "quarantined")
      yield* leaderTerms.startTerm("poller")
      const error = yield* Effect.flip(ingest.fetchForPoll(pair, fenced))
      assert.strictEqual(error._tag, "Superseded")
      assert.strictEqual((yield* quarantinedText(pair)).length, 1)
    }))
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { PollId } from "../../../src/domain/rates/PollRun.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { Leader } from "../../../src/platform/Leader.ts"
import { Quarantine } from "../../../src/rates/guard/Quarantine.ts"
import { RateIngest } from "../../../src/rates/RateIngest.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import {
  begin,
  good,
  layer,
  NAIRA,
  operator,
  outcome,
  poll,
  polls,
  putAside,
  quotedAt,
  say,
  served,
  short,
  test
} from "./GuardedRates.ts"

describe("Quarantine", () => {
  const idOfLast = Effect.map(putAside(NAIRA), (found) => found.at(-1)?.id ?? assert.fail())

  test(
    "makes an accepted level the new normal",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* good
      yield* say({ flutterwave: "40000" })
      yield* polls(2)
      const accepted = yield* quarantine.accept(yield* idOfLast, { ...operator, reason: "it is real" })
      assert.deepInclude(accepted.decision, { by: "operator", principal: "key_1", reason: "it is real" })
      assert.strictEqual(yield* served(NAIRA), "40000")
      assert.deepStrictEqual(yield* short(NAIRA), [
        "40000 jump 1 accepted by operator",
        "40000 jump 2 accepted by operator"
      ])
      assert.strictEqual(yield* poll(NAIRA), "40000")
    })
  )

  test(
    "takes an accepted level for normal beside newer rates at the old one",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* good
      yield* say({ flutterwave: "0.00066667" })
      yield* poll(NAIRA)
      const id = yield* idOfLast
      yield* say({ flutterwave: "1501" })
      yield* poll(NAIRA)
      yield* quarantine.accept(id, operator)
      assert.strictEqual(yield* served(NAIRA), "1501")
      yield* say({ flutterwave: "0.00067" })
      assert.strictEqual(yield* poll(NAIRA), "0.00067")
    })
  )

  test(
    "keeps a rejected level out, until an operator changes his mind",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      yield* good
      yield* say({ flutterwave: "2250" })
      yield* polls(2)
      yield* quarantine.reject((yield* putAside(NAIRA))[0]?.id ?? assert.fail(), operator)
      assert.deepStrictEqual(new Set(yield* polls(4)), new Set(["put aside"]))
      assert.strictEqual(yield* served(NAIRA), "1500")
      assert.deepStrictEqual(yield* short(NAIRA), [
        "2250 jump 1 rejected by operator",
        "2250 jump 2 rejected by operator",
        "2250 jump 3 rejected by repetition",
        "2250 jump 4 rejected by repetition",
        "2250 jump 5 rejected by repetition",
        "2250 jump 6 rejected by repetition"
      ])
      yield* quarantine.accept(yield* idOfLast, operator)
      assert.strictEqual(yield* served(NAIRA), "2250")
      assert.strictEqual(yield* poll(NAIRA), "2250")
    })
  )

  test(
    "decides once, also where many decide at the same moment",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      const { sql } = yield* Database
      yield* good
      yield* say({ flutterwave: "2250" })
      yield* polls(2)
      const ids = (yield* putAside(NAIRA)).map(({ id }) => id)
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
      const refusals = results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : []))
      assert.deepStrictEqual(new Set(refusals), new Set(["AlreadyDecided"]))
      assert.strictEqual(refusals.length, 7)
      const rows = yield* sql`SELECT FROM exchange_rate WHERE rate = 2250`
      const statuses = new Set((yield* putAside(NAIRA)).map(({ status }) => status))
      assert.deepStrictEqual(statuses, new Set([rows.length === 1 ? "accepted" : "rejected"]))
      assert.isAtMost(rows.length, 1)
    })
  )

  test(
    "keeps what it computed a rate from with the rate",
    Effect.gen(function* () {
      const quarantine = yield* Quarantine
      const repo = yield* RateRepo
      yield* good
      const leg = Option.getOrThrow(yield* repo.latest(NAIRA))
      yield* say({
        flutterwave: (made) => ({
          ...quotedAt("2026-11-21T12:00:00.000Z", "2250")(made),
          legs: [{ id: leg.id, pair: leg.pair, rate: leg.rate, providerRate: "1500" }]
        })
      })
      assert.strictEqual(yield* poll(NAIRA), "put aside")
      const { decision } = yield* quarantine.accept(yield* idOfLast, operator)
      const record = Option.getOrThrow(yield* repo.byId(decision?.rateId ?? assert.fail()))
      assert.deepStrictEqual(record.derivedFrom, [leg.id])
    })
  )
})

describe("quarantined_rate", () => {
  test(
    "keeps its facts and its decisions",
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* good
      yield* say({ flutterwave: "2250" })
      yield* poll(NAIRA)
      const reject = sql`status = 'rejected', decided_at = now(), decided_by = 'operator', principal = 'key_1'`
      for (const statement of [
        sql`UPDATE quarantined_rate SET rate = 1`,
        sql`UPDATE quarantined_rate SET agreeing = 7, ${reject}`,
        sql`UPDATE quarantined_rate SET status = 'accepted', decided_at = now(), decided_by = 'operator', principal = 'key_1'`,
        sql`DELETE FROM quarantined_rate`,
        sql`TRUNCATE quarantined_rate`
      ])
        yield* Effect.flip(statement)
      yield* sql`UPDATE quarantined_rate SET ${reject}`
      yield* Effect.flip(sql`UPDATE quarantined_rate SET ${reject}`)
      yield* Effect.flip(
        sql`UPDATE quarantined_rate SET status = 'pending', decided_at = NULL, decided_by = NULL, principal = NULL`
      )
    })
  )

  it.effect("takes nothing from a poll whose term is over", () =>
    Effect.gen(function* () {
      const intake = yield* RateIngest
      const leader = yield* Leader
      const { sql } = yield* Database
      yield* good
      yield* say({ flutterwave: "2250" })
      const leadership = yield* leader.take("poller")
      const startedAt = new Date(Date.UTC(2026, 10, 21))
      const id = PollId.make("01980000-0000-7000-8000-000000000000")
      yield* sql`
        INSERT INTO poll_run (id, started_at, pairs, term) VALUES (${id}, ${startedAt}, 44, 1)`
      const led = Option.some({ id, leadership })
      assert.strictEqual(yield* outcome(intake.takePolled(NAIRA, led)), "put aside")
      yield* leader.take("poller")
      const error = yield* Effect.flip(intake.takePolled(NAIRA, led))
      assert.strictEqual(error._tag, "Superseded")
      assert.strictEqual((yield* short(NAIRA)).length, 1)
    }).pipe(Effect.provide(Layer.provideMerge(Leader.layer, layer())), (body) => Effect.andThen(begin, body))
  )
})

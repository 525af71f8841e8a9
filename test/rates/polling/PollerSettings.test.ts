import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Metric, Option } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as PollMetrics from "../../../src/platform/metrics/PollMetrics.ts"
import { PollCadence } from "../../../src/platform/PollCadence.ts"
import { PollerSettingRepo } from "../../../src/rates/polling/PollerSettingRepo.ts"
import { PollerSettings } from "../../../src/rates/polling/PollerSettings.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"

/** A node with settings of its own, over the database of the test. */
const node = Effect.fnUntraced(function* (interval = "10 minutes") {
  const context = yield* Layer.build(
    Layer.fresh(PollerSettings.layer).pipe(
      Layer.provide(Layer.fresh(PollerSettingRepo.layer)),
      Layer.provide(Layer.fresh(TestSettings.layer({ POLL_INTERVAL: interval })))
    )
  )
  const settings = Context.get(context, PollerSettings)
  const cadence = Context.get(context, PollCadence)
  const minutes = () => Option.getOrNull(Option.map(cadence.interval(), Duration.toMinutes))
  const change = (minutes: number | null, enabled = true, version?: number) =>
    settings.change({
      value: minutes === null ? Option.none() : Option.some({ interval: Duration.minutes(minutes), enabled }),
      principal: "tester",
      version: Option.fromUndefinedOr(version)
    })
  return { settings, minutes, change }
})

type Node = Effect.Success<ReturnType<typeof node>>

/** Lets seconds pass until a node has polls at an interval, in minutes. */
const untilHas = Effect.fnUntraced(function* ({ minutes }: Node, expected: number | null) {
  for (let second = 0; minutes() !== expected; second++) {
    if (second > 200) assert.fail(`it polls every ${minutes()} minutes`)
    yield* TestClock.adjust("1 second")
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
  }
})

const test = (name: string, body: Effect.Effect<void, unknown, Effect.Services<ReturnType<typeof node>>>) =>
  it.effect(name, () => Effect.provide(body, TestDatabase.layer()))

describe("PollerSettings", () => {
  test(
    "has a change in force here at once, and everywhere soon, until it is taken back",
    Effect.gen(function* () {
      const [one, other] = [yield* node(), yield* node("30 minutes")]
      assert.deepStrictEqual([one.minutes(), other.minutes()], [10, 30])
      yield* one.change(5)
      assert.strictEqual(one.minutes(), 5)
      yield* untilHas(other, 5)
      assert.strictEqual((yield* Metric.value(PollMetrics.interval)).value, 300)
      yield* other.change(5, false)
      yield* untilHas(one, null)
      assert.strictEqual((yield* Metric.value(PollMetrics.interval)).value, 0)
      yield* one.change(null)
      assert.strictEqual(one.minutes(), 10)
      yield* untilHas(other, 30)
    }).pipe(Effect.scoped)
  )

  test(
    "begins with what the database keeps, also where POLL_INTERVAL is off",
    Effect.gen(function* () {
      yield* (yield* node()).change(7)
      const later = yield* node("off")
      assert.strictEqual(later.minutes(), 7)
      const { fallback, setting, source } = yield* later.settings.inForce
      assert.strictEqual(source, "database")
      assert.isTrue(setting.enabled)
      assert.isFalse(fallback.enabled)
      assert.strictEqual(Duration.toMinutes(fallback.interval), 10)
    }).pipe(Effect.scoped)
  )

  test(
    "keeps what is in force where what is kept cannot be read, and reads it once it can",
    Effect.gen(function* () {
      const one = yield* node()
      const { sql } = yield* Database
      yield* one.change(5)
      yield* sql`
        UPDATE setting SET value = '{"interval":"9 days","enabled":true}', version = version + 1, updated_by = 'psql'`
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(one.minutes(), 5)
      yield* sql`
        UPDATE setting SET value = '{"interval":"9 minutes","enabled":true}', version = version + 1, updated_by = 'psql'`
      yield* untilHas(one, 9)
    }).pipe(Effect.scoped)
  )

  test(
    "lets the first of two change a version, and takes the same value for no change",
    Effect.gen(function* () {
      const one = yield* node()
      assert.strictEqual((yield* one.change(5, true, 0)).latest.pipe(Option.getOrThrow).version, 1)
      const error = yield* Effect.flip(one.change(6, true, 0))
      assert.strictEqual(error.message, "The poller setting is at version 1, not 0; read it again and retry")
      assert.strictEqual((yield* one.change(5, true, 1)).latest.pipe(Option.getOrThrow).version, 1)
      assert.strictEqual((yield* one.settings.changes(undefined, 10)).length, 1)
    }).pipe(Effect.scoped)
  )
})

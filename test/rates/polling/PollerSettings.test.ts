import { assert, layer } from "@effect/vitest"
import { Context, Duration, Effect, Layer, Metric, Option } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as PollMetrics from "../../../src/platform/metrics/PollMetrics.ts"
import { PollCadence } from "../../../src/platform/PollCadence.ts"
import { PollerSettings } from "../../../src/rates/polling/PollerSettings.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import * as TestSettings from "../../support/TestSettings.ts"

/** A node with its own POLL_INTERVAL, over the database of the test. */
const node = Effect.fnUntraced(function* (interval = "10 minutes") {
  const context = yield* Layer.build(
    Layer.fresh(PollerSettings.layer).pipe(
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
      expectedVersion: Option.fromUndefinedOr(version)
    })
  return { settings, minutes, change }
})

type Node = Effect.Success<ReturnType<typeof node>>

/** Advances the clock until a node has an interval, in minutes. */
const awaitInterval = Effect.fnUntraced(function* ({ minutes }: Node, expected: number | null) {
  for (let second = 0; minutes() !== expected; second++) {
    if (second > 200) assert.fail(`the interval is ${minutes()} minutes after 200 seconds`)
    yield* TestClock.adjust("1 second")
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
  }
})

layer(TestDatabase.layer(), { excludeTestServices: true })("PollerSettings", (it) => {
  /** The tests share the stored setting, so each starts with a reset. Passes the version after the reset. */
  const test = (
    title: string,
    body: (version: number) => Effect.Effect<void, unknown, Database | Scope.Scope>
  ) =>
    it.effect(title, () =>
      Effect.gen(function* () {
        const { version } = yield* (yield* node()).change(null)
        yield* body(version)
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))
    )

  test("applies a change immediately, and on other nodes within seconds, until it is reset", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* node(), yield* node("30 minutes")]
      assert.deepStrictEqual([one.minutes(), other.minutes()], [10, 30])
      yield* one.change(5)
      assert.strictEqual(one.minutes(), 5)
      yield* awaitInterval(other, 5)
      assert.strictEqual((yield* Metric.value(PollMetrics.interval)).value, 300)
      yield* other.change(5, false)
      yield* awaitInterval(one, null)
      assert.strictEqual((yield* Metric.value(PollMetrics.interval)).value, 0)
      yield* one.change(null)
      assert.strictEqual(one.minutes(), 10)
      yield* awaitInterval(other, 30)
    }))

  test("starts with the stored setting, even if POLL_INTERVAL is off", () =>
    Effect.gen(function* () {
      yield* (yield* node()).change(7)
      const later = yield* node("off")
      assert.strictEqual(later.minutes(), 7)
      const { fallback, setting, source } = yield* later.settings.active
      assert.strictEqual(source, "database")
      assert.isTrue(setting.enabled)
      assert.isFalse(fallback.enabled)
      assert.strictEqual(Duration.toMinutes(fallback.interval), 10)
    }))

  test("keeps the setting in effect while the stored one is invalid, and applies it once it is valid", () =>
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
      yield* awaitInterval(one, 9)
    }))

  test("rejects a change of an outdated version, and ignores an equal value", (version) =>
    Effect.gen(function* () {
      const one = yield* node()
      assert.strictEqual(
        (yield* one.change(5, true, version)).latestChange.pipe(Option.getOrThrow).version,
        version + 1
      )
      const error = yield* Effect.flip(one.change(6, true, version))
      assert.strictEqual(
        error.message,
        `The poller setting is at version ${version + 1}, not ${version}; read it again and retry`
      )
      assert.strictEqual(
        (yield* one.change(5, true, version + 1)).latestChange.pipe(Option.getOrThrow).version,
        version + 1
      )
      const [latest] = yield* one.settings.changes(undefined, 1)
      assert.strictEqual(latest?.version, version + 1)
    }))
})

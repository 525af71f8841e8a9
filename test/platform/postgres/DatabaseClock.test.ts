import { assert, layer } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Metric } from "effect"
import * as ClockSkew from "../../../src/platform/ClockSkew.ts"
import * as ClusterMetrics from "../../../src/platform/metrics/ClusterMetrics.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as DatabaseClock from "../../../src/platform/postgres/DatabaseClock.ts"
import * as SkewedClock from "../../support/SkewedClock.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"

const HOUR = 3_600_000
/** More than a measurement takes on a busy machine. */
const MAX_ERROR = 60_000

/** A process with its own time of day, and its clock by the time of the database. */
const process = Effect.gen(function* () {
  const machine = yield* SkewedClock.make
  const start = Effect.map(
    Layer.build(DatabaseClock.layer).pipe(Effect.provideService(Clock.Clock, machine.clock)),
    (context) => ({
      clock: Context.get(context, Clock.Clock),
      skew: Context.get(context, ClockSkew.ClockSkew)
    })
  )
  return { machine, start }
})

const databaseMillis = Effect.gen(function* () {
  const { sql } = yield* Database
  const [row] = yield* sql<{ now: Date }>`SELECT clock_timestamp() AS now`
  return row?.now.getTime() ?? assert.fail()
})

/** Asserts that a clock shows the time of the database, which is read before and after. */
const assertDatabaseTime = Effect.fnUntraced(function* (clock: Clock.Clock) {
  const before = yield* databaseMillis
  const shown = clock.currentTimeMillisUnsafe()
  const after = yield* databaseMillis
  assert.isAtLeast(shown, before - MAX_ERROR)
  assert.isAtMost(shown, after + MAX_ERROR)
})

/** Waits until a clock shows a time before the given one. */
const untilBefore = (clock: Clock.Clock, millis: number) =>
  Effect.sync(() => clock.currentTimeMillisUnsafe()).pipe(
    Effect.delay("20 millis"),
    Effect.repeat({ until: (now) => now < millis })
  )

layer(TestDatabase.layer({ MAX_CLOCK_SKEW: "1 hour" }), { excludeTestServices: true })(
  "DatabaseClock",
  (it) => {
    for (const [direction, sign] of [
      ["ahead", 1],
      ["behind", -1]
    ] as const) {
      it.effect(
        `shows the time of the database on a machine that is a day ${direction}, and measures the skew`,
        () =>
          Effect.gen(function* () {
            const { machine, start } = yield* process
            yield* machine.setTimeOfDay("1 day", direction)
            const { clock, skew } = yield* start
            yield* assertDatabaseTime(clock)
            assert.approximately(skew.millis(), sign * 24 * HOUR, MAX_ERROR)
            const metric = yield* Metric.value(ClusterMetrics.clockSkew)
            assert.approximately(metric.value, sign * 24 * 3600, MAX_ERROR / 1000)
            const error = yield* Effect.flip(
              Effect.provideService(ClockSkew.requireAllowed, ClockSkew.ClockSkew, skew)
            )
            assert.strictEqual(error._tag, "ClockSkewed")
            assert.match(
              error.message,
              /^The clock of this node is .+ (ahead of|behind) the clock of the database; at most 1h is allowed\. Synchronize both clocks with NTP$/
            )
          }).pipe(Effect.scoped)
      )
    }

    it.effect("is not affected when the clock of the machine is set back, and reports it at once", () =>
      Effect.gen(function* () {
        const { machine, start } = yield* process
        const { clock, skew } = yield* start
        assert.isUndefined(ClockSkew.errorOf(skew))
        const before = clock.currentTimeMillisUnsafe()
        yield* machine.setTimeOfDay("2 hours", "behind")
        assert.isAtLeast(clock.currentTimeMillisUnsafe(), before)
        assert.approximately(skew.millis(), -2 * HOUR, MAX_ERROR)
        assert.isDefined(ClockSkew.errorOf(skew))
        yield* assertDatabaseTime(clock)
        yield* machine.setTimeOfDay("30 minutes", "behind")
        assert.isUndefined(ClockSkew.errorOf(skew))
      }).pipe(Effect.scoped)
    )

    it.effect("continues by the monotonic clock, and returns to the time of the database", () =>
      Effect.gen(function* () {
        const { machine, start } = yield* process
        const { clock } = yield* start
        const before = clock.currentTimeMillisUnsafe()
        // As a wrong oscillator does, but at once.
        yield* machine.setForward("3 hours")
        assert.isAtLeast(clock.currentTimeMillisUnsafe(), before + 3 * HOUR)
        yield* untilBefore(clock, before + 3 * HOUR)
        yield* assertDatabaseTime(clock)
      }).pipe(Effect.scoped)
    )

    it.effect("measures again after a measurement crashed", () =>
      Effect.gen(function* () {
        const database = yield* Database
        const { machine, start } = yield* process
        let crashes = -1
        const crashing = Database.of({
          ...database,
          execute: (statements) =>
            Effect.suspend(() => (crashes++ === 0 ? Effect.die("crash") : database.execute(statements)))
        })
        const { clock } = yield* Effect.provideService(start, Database, crashing)
        const before = clock.currentTimeMillisUnsafe()
        yield* machine.setForward("3 hours")
        yield* untilBefore(clock, before + 3 * HOUR)
        assert.isAtLeast(crashes, 2)
      }).pipe(Effect.scoped)
    )
  }
)

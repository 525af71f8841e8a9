import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Console, Effect, ErrorReporter, Exit, Layer, Metric, Scope } from "effect"
import * as ErrorMetrics from "../../../src/platform/metrics/ErrorMetrics.ts"
import * as RequestId from "../../../src/platform/RequestId.ts"
import * as Telemetry from "../../../src/platform/telemetry/Telemetry.ts"
import * as FakeSentry from "../../support/FakeSentry.ts"
import * as PlantedSecrets from "../../support/PlantedSecrets.ts"
import * as TestSettings from "../../support/TestSettings.ts"

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

const silent: Console.Console = Object.assign(Object.create(console), {
  log: () => undefined,
  error: () => undefined
})

const telemetry = (dsn: string, env: Readonly<Record<string, string>> = {}) => {
  const all = { SENTRY_DSN: dsn, LOG_FORMAT: "json", ...env }
  return Telemetry.layer.pipe(
    Layer.provide(TestSettings.layer(all)),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: all }))),
    Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map())),
    Layer.provideMerge(Layer.succeed(Console.Console, silent))
  )
}

const outcomes = Effect.gen(function* () {
  const counts: Record<string, number> = {}
  for (const outcome of ["sent", "failed", "repeated", "queue_full", "rate_limited"]) {
    const { count } = yield* Metric.value(ErrorMetrics.reports.of({ outcome }))
    if (count > 0) counts[outcome] = count
  }
  return counts
})

/** Runs in a process with error reports, and stops it: everything queued is sent. */
const reporting = <A, E>(
  sentry: FakeSentry.FakeSentry,
  effect: Effect.Effect<A, E>,
  env: Readonly<Record<string, string>> = {}
) => effect.pipe(Effect.provide(telemetry(sentry.dsn, env)))

describe("ErrorReports", () => {
  it.live("reports a logged defect with its causes, release, environment and trace", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const failure = new Error("the outer error", { cause: new TypeError("the inner error") })
      yield* reporting(
        sentry,
        Effect.logError("Unexpected failure", Cause.die(failure)).pipe(
          Effect.provideService(RequestId.CurrentRequestId, new RequestId.RequestId(TRACE_ID, undefined))
        ),
        { SENTRY_ENVIRONMENT: "staging", SENTRY_SERVER_NAME: "node-1" }
      )
      const [received, ...others] = sentry.received
      assert.lengthOf(others, 0)
      assert.strictEqual(received?.path, "/prefix/api/42/envelope/")
      assert.include(received?.headers["x-sentry-auth"], `sentry_key=${FakeSentry.PUBLIC_KEY}`)
      assert.isUndefined(received?.headers["traceparent"])
      assert.deepInclude(received?.event, {
        level: "error",
        environment: "staging",
        server_name: "node-1",
        tags: { trace_id: TRACE_ID }
      })
      assert.match(received?.event.release ?? "", /^effex@\d+\.\d+\.\d+$/)
      const values = received?.event.exception?.values ?? []
      assert.deepStrictEqual(
        values.map(({ type, value }) => [type, value]),
        [
          ["TypeError", "the inner error"],
          ["Error", "the outer error"]
        ]
      )
      const frames = values.at(-1)?.stacktrace.frames ?? []
      assert.isTrue(
        frames.some(
          ({ filename, in_app }) => in_app && filename === "test/platform/telemetry/ErrorReports.test.ts"
        )
      )
    }).pipe(Effect.scoped)
  )

  it.live("reports an error object once, wherever it is seen, and equal errors once per minute", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const counts = yield* reporting(
        sentry,
        Effect.gen(function* () {
          const defect = new Error("seen three times")
          yield* ErrorReporter.report(Cause.die(defect))
          yield* Effect.logError("A background task crashed", defect)
          yield* Effect.logError("and again", Cause.die(defect))
          for (const user of ["4711", "4712", "4713"])
            yield* Effect.logError(`The job ${user} failed after ${user} attempts`)
          yield* sentry.awaitEvents(2)
          return yield* outcomes
        })
      )
      assert.deepStrictEqual(
        sentry.received.map(({ event }) => event.exception?.values[0]?.value ?? event.logentry?.formatted),
        ["seen three times", "The job 4711 failed after 4711 attempts"]
      )
      assert.strictEqual(counts["repeated"], 2)
    }).pipe(Effect.scoped)
  )

  it.live("reports no typed error of a server, no warning and no interruption", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      yield* reporting(
        sentry,
        Effect.gen(function* () {
          yield* ErrorReporter.report(Cause.fail(new Error("an answer to a caller")))
          yield* ErrorReporter.report(Cause.interrupt())
          yield* Effect.logWarning("a warning", Cause.die(new Error("expected")))
          yield* Effect.logError("interrupted", Cause.interrupt())
          yield* Effect.logError("The last one")
        })
      )
      assert.deepStrictEqual(
        sentry.received.map(({ event }) => event.logentry?.formatted),
        ["The last one"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("removes secrets of the settings, tokens and personal data", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const planted = {
        password: PlantedSecrets.secret("database"),
        key: PlantedSecrets.plain("FLWSECK"),
        token: "efx_live_0123456789abcdef",
        email: "amara@example.org",
        address: "203.0.113.7",
        address6: "2001:db8::17",
        user: "0198b0a3-7c4e-7aaa-8bbb-0123456789ab",
        username: "amara-okafor"
      }
      const text = `${planted.password} ${planted.key} ${planted.token} of ${planted.email} at ${planted.address} and ${planted.address6}, user ${planted.user}: Key (username)=(${planted.username}) exists; invalid input: "${planted.username}"`
      yield* reporting(
        sentry,
        Effect.andThen(
          Effect.logError(`Alert: ${text}`),
          Effect.logError("cause", Cause.die(new Error("outer", { cause: new Error(text) })))
        ),
        {
          DATABASE_URL: `postgres://x:${encodeURIComponent(planted.password)}@host/x`,
          FLUTTERWAVE_SECRET_KEY: planted.key
        }
      )
      assert.lengthOf(sentry.received, 2)
      for (const { text } of sentry.received) {
        PlantedSecrets.assertAbsent(planted, "an error report", text)
        assert.notInclude(text, FakeSentry.PUBLIC_KEY)
        assert.notInclude(text, process.cwd())
      }
    }).pipe(Effect.scoped)
  )

  it.live("removes secrets that look like personal data, or that reach over the end of a long message", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const key = "FLWSECK-amara@example.org=(192.0.2.1)-rest-of-the-key"
      yield* reporting(
        sentry,
        Effect.gen(function* () {
          yield* Effect.logError(`The key ${key} is refused`)
          yield* Effect.logError(`${"x".repeat(980)} ${key}`)
          yield* Effect.logError("cause", Cause.die(new Error(`The key ${key} has expired`)))
        }),
        { FLUTTERWAVE_SECRET_KEY: key }
      )
      assert.lengthOf(sentry.received, 3)
      for (const { text } of sentry.received) assert.notMatch(text, /FLWSECK|rest-of-the-key/)
    }).pipe(Effect.scoped)
  )

  it.live("never waits for the receiver, drops what does not fit into the queue, and counts it", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      const release = sentry.hold()
      const counts = yield* reporting(
        sentry,
        Effect.gen(function* () {
          yield* Effect.logError("The first one")
          yield* sentry.awaitEvents(1)
          // The receiver has not answered, so the queue takes 100 of these.
          for (let n = 0; n < 130; n++)
            yield* Effect.logError(`Failure ${"abcdefghij"[n % 10]} of ${words(n)}`)
          const counts = yield* outcomes
          release()
          return counts
        })
      )
      assert.deepStrictEqual(counts, { queue_full: 30 })
      assert.lengthOf(sentry.received, 101)
    }).pipe(Effect.scoped)
  )

  it.live("pauses for as long as the receiver asks, and counts what it dropped meanwhile", () =>
    Effect.gen(function* () {
      const sentry = yield* FakeSentry.listen
      sentry.answer({
        status: 200,
        headers: { "x-sentry-rate-limits": "60:transaction:org, 60:error;default:org" }
      })
      const scope = yield* Scope.make()
      const counts = yield* Effect.gen(function* () {
        yield* Effect.logError("The first one")
        yield* sentry.awaitEvents(1)
        yield* Effect.logError("The second one")
        yield* Effect.logError("The third one")
        yield* awaitOutcome("rate_limited", 2)
        return yield* outcomes
      }).pipe(Effect.provide(telemetry(sentry.dsn)), Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(counts, { sent: 1, rate_limited: 2 })
      assert.lengthOf(sentry.received, 1)
    }).pipe(Effect.scoped)
  )

  it.live("counts failures, says so once in the log, and ends without the receiver", () =>
    Effect.gen(function* () {
      const env = { SENTRY_DSN: "http://key@127.0.0.1:9/1" }
      const counts = yield* Effect.gen(function* () {
        yield* Effect.logError("The first one")
        yield* Effect.logError("The second one")
        yield* awaitOutcome("failed", 2)
        return yield* outcomes
      }).pipe(Effect.provide(telemetry(env.SENTRY_DSN)), Effect.scoped)
      assert.deepStrictEqual(counts, { failed: 2 })
    })
  )

  it.effect("has no reporter without SENTRY_DSN", () =>
    Effect.gen(function* () {
      const reporters = yield* ErrorReporter.CurrentErrorReporters.pipe(Effect.provide(telemetry("")))
      assert.strictEqual(reporters.size, 0)
    })
  )
})

const awaitOutcome = (outcome: string, count: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    while ((yield* Metric.value(ErrorMetrics.reports.of({ outcome }))).count < count)
      yield* Effect.sleep("5 millis")
  })

/** A number in letters: fingerprints ignore digits. */
const words = (n: number) => Array.from(String(n), (digit) => "abcdefghij"[Number(digit)]).join("")

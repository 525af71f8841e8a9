import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import {
  Cause,
  Duration,
  Effect,
  ErrorReporter,
  Layer,
  Logger,
  Metric,
  Option,
  Queue,
  Redacted
} from "effect"
import type { Fiber } from "effect"
import * as Secrets from "../../../config/Secrets.ts"
import * as SentryDsn from "../../../config/SentryDsn.ts"
import { Settings } from "../../../config/Settings.ts"
import * as ErrorMetrics from "../../metrics/ErrorMetrics.ts"
import { withReleaseTimeout } from "../../ReleaseTimeout.ts"
import * as RequestId from "../../RequestId.ts"
import { redactor } from "../Redaction.ts"
import { type ErrorReport, fingerprintOf } from "./ErrorReport.ts"
import * as RepeatedReports from "./RepeatedReports.ts"
import * as SentryEnvelope from "./SentryEnvelope.ts"
import * as SentryTransport from "./SentryTransport.ts"

/** Reports that wait to be sent. Further ones are dropped, so that a slow receiver cannot fill memory. */
const MAX_QUEUED = 100
/** Longest wait at shutdown for queued reports. */
const SHUTDOWN_TIMEOUT = Duration.seconds(3)

interface QueuedReport {
  readonly report: ErrorReport
  readonly fingerprint: string
  /** Equal reports that were dropped before this one. */
  readonly repeated: number
}

/** Starts to send reports in the background, and returns the function that queues one without waiting. */
const makeQueue = Effect.fnUntraced(function* (dsn: SentryDsn.SentryDsn) {
  const { sentryEnvironment: environment, sentryServerName } = yield* Settings
  const redact = redactor(yield* Secrets.read)
  const send = yield* SentryTransport.make(dsn)
  const deployment = { environment, serverName: Option.getOrUndefined(sentryServerName) }
  const queue = yield* Queue.dropping<QueuedReport, Cause.Done>(MAX_QUEUED)
  const repeats = RepeatedReports.make()
  let hasFailed = false

  const sendNext = Effect.gen(function* () {
    const { fingerprint, repeated, report } = yield* Queue.take(queue)
    const eventId = RequestId.newTraceId()
    const outcome = yield* send(
      SentryEnvelope.serialize(report, { eventId, fingerprint, repeated }, deployment, redact)
    )
    yield* Metric.update(ErrorMetrics.reports.of({ outcome }), 1)
    if (outcome === "failed" && !hasFailed)
      yield* Effect.logWarning(
        "An error report could not be sent to SENTRY_DSN; later failures are only counted"
      )
    hasFailed = outcome === "failed"
  })
  const sender = yield* Effect.forkDetach(Effect.ignore(Effect.forever(sendNext)))
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Queue.end(queue), Effect.raceFirst(Effect.sleep(SHUTDOWN_TIMEOUT), awaitFiber(sender)))
  )

  return (report: ErrorReport, fiber: Fiber.Fiber<unknown, unknown>) => {
    const drop = (outcome: "repeated" | "queue_full") =>
      ErrorMetrics.reports.of({ outcome }).updateUnsafe(1, fiber.context)
    const fingerprint = fingerprintOf(report)
    const repeated = repeats.note(fingerprint, report.time)
    if (repeated === undefined) drop("repeated")
    else if (!Queue.offerUnsafe(queue, { report, fingerprint, repeated })) drop("queue_full")
  }
})

const awaitFiber = (fiber: Fiber.Fiber<unknown, unknown>) =>
  Effect.callback<void>((resume) => {
    fiber.addObserver(() => resume(Effect.void))
  })

/**
 * Reports defects that reach the HTTP and the RPC server, and everything that is logged as an error: defects of background
 * work, and alerts. One error object is reported once, wherever it is seen.
 */
const layerOf = (dsn: SentryDsn.SentryDsn) =>
  Layer.unwrap(
    Effect.map(makeQueue(dsn), (enqueue) => {
      const all = ErrorReporter.make(({ error, fiber, timestamp }) => {
        const time = Number(timestamp / 1_000_000n)
        const traceId = RequestId.fiberTraceId(fiber)
        enqueue({ level: "error", time, traceId, content: { _tag: "Exception", error } }, fiber)
      })

      /** A typed error that a server returns is an answer. */
      const defects: ErrorReporter.ErrorReporter = {
        ...all,
        report: ({ cause, ...options }) => {
          const reasons = cause.reasons.filter(Cause.isDieReason)
          if (reasons.length > 0) all.report({ ...options, cause: Cause.fromReasons(reasons) })
        }
      }

      const logger = Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
        if (logLevel !== "Error" && logLevel !== "Fatal") return
        const parts: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
        const logged = parts.filter((part) => part instanceof Error).map(Cause.makeDieReason)
        const reasons = [...cause.reasons, ...logged]
        if (reasons.length > 0) {
          const timestamp = BigInt(date.getTime()) * 1_000_000n
          return all.report({ cause: Cause.fromReasons(reasons), fiber, timestamp })
        }
        const level = logLevel === "Fatal" ? "fatal" : "error"
        const text = parts.filter((part) => typeof part === "string").join(" ")
        const traceId = RequestId.fiberTraceId(fiber)
        enqueue({ level, time: date.getTime(), traceId, content: { _tag: "Message", text } }, fiber)
      })

      return Layer.mergeAll(
        ErrorReporter.layer([defects], { mergeWithExisting: true }),
        Logger.layer([logger], { mergeWithExisting: true })
      )
    })
  ).pipe(
    Layer.provide(NodeHttpClient.layerUndici),
    withReleaseTimeout(Duration.sum(SHUTDOWN_TIMEOUT, Duration.seconds(1)))
  )

/** Reports errors to `SENTRY_DSN`, if it is set. */
export const layer = Layer.unwrap(
  Effect.map(Settings, ({ sentryDsn }) =>
    Option.match(
      Option.flatMap(sentryDsn, (dsn) => SentryDsn.parse(Redacted.value(dsn))),
      { onNone: () => Layer.empty, onSome: layerOf }
    )
  )
)

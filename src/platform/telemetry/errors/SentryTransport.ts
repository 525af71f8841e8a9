import { Clock, Duration, Effect, Schedule, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import type { SentryDsn } from "../../../config/SentryDsn.ts"
import { VERSION } from "../../../config/Version.ts"
import * as MonotonicClock from "../../MonotonicClock.ts"
import * as SentryLimits from "./SentryLimits.ts"

const REQUEST_TIMEOUT = Duration.seconds(10)

/** For a lost connection. The receiver recognizes an event that arrives twice by its id. */
const RETRIES = Schedule.exponential("500 millis").pipe(Schedule.upTo({ times: 2 }))

/** Outcome of sending an envelope. */
export type SendOutcome = "sent" | "failed" | "rate_limited"

const limited: SendOutcome = "rate_limited"

/** Makes the function that posts an envelope, and pauses for as long as the receiver asks. */
export const make = ({ envelopeUrl, publicKey }: SentryDsn) =>
  Effect.gen(function* () {
    const client = yield* HttpClient.HttpClient
    let pausedUntil = -Infinity

    const post = (envelope: string) =>
      HttpClientRequest.post(envelopeUrl, {
        headers: {
          "x-sentry-auth": `Sentry sentry_version=7, sentry_client=effex/${VERSION}, sentry_key=${publicKey}`
        }
      }).pipe(
        HttpClientRequest.bodyText(envelope, "application/x-sentry-envelope"),
        client.execute,
        // Frees the connection. What the receiver sends is of no use, however much it is.
        Effect.tap((response) => Effect.ignore(Stream.runDrain(response.stream))),
        Effect.retry(RETRIES),
        Effect.timeoutOption(REQUEST_TIMEOUT),
        // The receiver must not see our trace ids, and its spans would be spans of no request.
        Effect.provideService(HttpClient.TracerPropagationEnabled, false),
        Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
      )

    return Effect.fnUntraced(
      function* (envelope: string) {
        if ((yield* MonotonicClock.millis) < pausedUntil) return limited
        const response = yield* Effect.flatMap(post(envelope), Effect.fromOption)
        const pause = SentryLimits.pauseOf(response, yield* Clock.currentTimeMillis)
        if (pause > 0) pausedUntil = (yield* MonotonicClock.millis) + pause * 1000
        if (response.status === 429) return limited
        const outcome: SendOutcome = response.status >= 200 && response.status < 300 ? "sent" : "failed"
        return outcome
      },
      Effect.orElseSucceed((): SendOutcome => "failed")
    )
  })

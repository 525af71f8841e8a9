import { Cause, Duration, Effect, Exit, Metric, Option, type Redacted, Ref } from "effect"
import { Schedule, type Scope, String } from "effect"
import { HttpClient, type HttpClientRequest } from "effect/http"
import { Settings } from "../config/Settings.ts"
import { timed } from "../platform/metrics/MetricSeries.ts"
import * as ProviderMetrics from "../platform/metrics/ProviderMetrics.ts"
import type { PollCadence } from "../platform/PollCadence.ts"
import * as Redaction from "../platform/telemetry/Redaction.ts"
import * as ProviderCircuitBreaker from "./ProviderCircuitBreaker.ts"
import { type ProviderReason, Unreachable } from "./ProviderError.ts"
import * as ProviderResponse from "./ProviderResponse.ts"
import * as RequestSpacing from "./RequestSpacing.ts"

/** Timeout of one request. */
const REQUEST_TIMEOUT = Duration.seconds(30)
/** Timeout of a whole call, including retries, to a provider that has a fallback. */
export const FAILOVER_TIMEOUT = Duration.seconds(10)
const MAX_RETRIES = 2
/** Longest `Retry-After` that is awaited within a call. */
const MAX_RETRY_AFTER = Duration.seconds(30)
/** Longest `Retry-After` that is awaited for a provider that has a fallback. */
const MAX_RETRY_AFTER_WITH_FALLBACK = Duration.seconds(5)
const MAX_BODY_BYTES = 64 * 1024

type Request = Effect.Effect<HttpClientRequest.HttpClientRequest, ProviderReason>
type Read<A> = (response: ProviderResponse.ProviderResponse) => Effect.Effect<A, ProviderReason>

/** HTTP access to one provider: timeouts, retries, request spacing, circuit breaker and metrics. */
export interface ProviderHttp {
  /**
   * Sends a request and reads its response. Requests are `POLL_SPACING` apart. Each may take 30 seconds. Transient
   * failures are retried twice, with exponential backoff or after `Retry-After`. A provider with a fallback has 10
   * seconds in total. While the circuit is open, no request is sent.
   *
   * `request` runs again for each attempt. A secret in its query must be `Redacted`, so that no span shows it. `read`
   * gets responses of every status.
   */
  readonly call: <A>(request: Request, read: Read<A>) => Effect.Effect<A, ProviderReason>
  /** Sends another request from within the `request` of {@link call}, such as for a token. */
  readonly exchange: <A>(request: Request, read: Read<A>) => Effect.Effect<A, ProviderReason>
}

/** Makes the HTTP access to a provider. `name` is as in `PROVIDERS`; `secrets` are redacted from responses. */
export const make: (options: {
  readonly name: string
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  readonly maxBodyBytes?: number
}) => Effect.Effect<ProviderHttp, never, Settings | PollCadence | HttpClient.HttpClient | Scope.Scope> =
  Effect.fnUntraced(function* ({ maxBodyBytes = MAX_BODY_BYTES, name, secrets }) {
    const { pollSpacing, providers } = yield* Settings
    const client = yield* HttpClient.HttpClient
    const spacing = yield* RequestSpacing.make(pollSpacing)
    const circuit = yield* ProviderCircuitBreaker.make(name)
    const hasFallback = providers.slice(0, -1).some((provider) => provider === name)
    const maxRetryAfter = hasFallback ? MAX_RETRY_AFTER_WITH_FALLBACK : MAX_RETRY_AFTER

    const exchange: ProviderHttp["exchange"] = Effect.fnUntraced(function* (makeRequest, read) {
      const request = yield* makeRequest
      const response = yield* client.execute(request).pipe(
        Effect.mapError(ProviderResponse.unreachable),
        // Providers must not see our trace ids.
        Effect.provideService(HttpClient.TracerPropagationEnabled, false)
      )
      const allSecrets = [...secrets, ...Redaction.secretsIn(request)]
      yield* ProviderResponse.rejectRedirect(response, request.url, allSecrets)
      return yield* read(yield* ProviderResponse.read(response, maxBodyBytes, allSecrets))
    })

    const attempt = <A>(request: Request, read: Read<A>) =>
      exchange(request, read).pipe(
        Effect.timeoutOrElse({
          duration: REQUEST_TIMEOUT,
          orElse: () => Effect.fail(timeoutReason(REQUEST_TIMEOUT))
        }),
        Effect.tapError((reason) =>
          reason._tag === "RateLimited" && reason.retryAfter !== undefined
            ? spacing.pause(Duration.min(reason.retryAfter, maxRetryAfter))
            : Effect.void
        ),
        Effect.onExit((exit) =>
          Metric.update(ProviderMetrics.requests.of({ provider: name, outcome: outcomeOf(exit) }), 1)
        ),
        timed(ProviderMetrics.requestDuration.of({ provider: name }))
      )

    const attemptWithRetries = Effect.fnUntraced(function* <A>(request: Request, read: Read<A>) {
      const lastReason = yield* Ref.make(Option.none<ProviderReason>())
      // The first wait is caused by other requests and does not count towards the timeout.
      yield* spacing.await
      const awaitRetry = Effect.flatMap(
        Ref.get(lastReason),
        Option.match({
          onNone: () => Effect.void,
          onSome: () => spacing.await
        })
      )
      const result = Effect.andThen(awaitRetry, attempt(request, read)).pipe(
        Effect.tapError((reason) => Ref.set(lastReason, Option.some(reason))),
        Effect.retry({ schedule: backoff, while: isTransient(maxRetryAfter) })
      )
      if (!hasFallback) return yield* result
      const timeout = Effect.map(
        Ref.get(lastReason),
        Option.getOrElse(() => timeoutReason(FAILOVER_TIMEOUT))
      )
      return yield* Effect.timeoutOrElse(result, {
        duration: FAILOVER_TIMEOUT,
        orElse: () => Effect.flip(timeout)
      })
    })

    const call: ProviderHttp["call"] = (request, read) => circuit.protect(attemptWithRetries(request, read))

    return { call, exchange }
  })

/** Reason for a provider that did not respond in time. */
export const timeoutReason = (timeout: Duration.Duration): ProviderReason =>
  new Unreachable({ detail: `timeout after ${Duration.format(timeout)}` })

const outcomeOf = (exit: Exit.Exit<unknown, ProviderReason>) =>
  Exit.isSuccess(exit)
    ? "success"
    : Option.match(Cause.findErrorOption(exit.cause), {
        onNone: () => "interrupted",
        onSome: ({ _tag }) => String.pascalToSnake(_tag)
      })

const backoff = Schedule.exponential("250 millis").pipe(
  Schedule.jittered,
  Schedule.upTo({ times: MAX_RETRIES }),
  Schedule.setInputType<ProviderReason>()
)

/** Returns true when the same request can succeed soon. Rejections and contradictions would repeat. */
const isTransient = (maxRetryAfter: Duration.Duration) => (reason: ProviderReason) => {
  switch (reason._tag) {
    case "Unreachable":
    case "Failing":
    case "Malformed":
      return true
    case "RateLimited":
      return reason.retryAfter === undefined || Duration.isLessThanOrEqualTo(reason.retryAfter, maxRetryAfter)
    default:
      return false
  }
}

import { Cause, Clock, Duration, Effect, Exit, Metric, Option, Predicate, type Redacted, Ref } from "effect"
import { Result, Schedule, type Scope, Stream, String } from "effect"
import { Headers, HttpClient, type HttpClientError } from "effect/http"
import type { HttpClientRequest, HttpClientResponse } from "effect/http"
import { CircuitBreaker } from "effect/persistence"
import { Settings } from "../config/Settings.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { timed } from "../platform/telemetry/MetricSeries.ts"
import { PollCadence } from "../platform/PollCadence.ts"
import { CircuitOpen, Malformed, type ProviderReason, Unreachable } from "./ProviderError.ts"
import * as Redaction from "../platform/telemetry/Redaction.ts"
import * as RequestSpacing from "./RequestSpacing.ts"

/** How long one request may take. */
const REQUEST_TIMEOUT = Duration.seconds(30)
/** How long a provider may take in all, where another one stands behind it. */
export const PATIENCE = Duration.seconds(10)
/** How often a request is made again, where its failure may pass. */
const RETRIES = 2
/** A provider that asks to be left alone for longer than this is not waited for within one call. */
const LONGEST_WAIT = Duration.seconds(30)
/** The same, where another provider stands behind it. */
const LONGEST_WAIT_BEFORE_ANOTHER = Duration.seconds(5)
/** How many calls in a row must fail before the provider is left alone for a while. */
const FAILURES_TO_OPEN = 5
/** How long all others wait for the one call that finds out whether the provider is back. */
const PROBE_WAIT = Duration.seconds(3)
const MAX_BODY_BYTES = 64 * 1024

/** What came back, whatever its status. */
export interface ProviderResponse {
  readonly status: number
  /** Bounded in size, without a byte order mark, and with none of the secrets that were sent. */
  readonly body: string
  readonly headers: Headers.Headers
  readonly retryAfter: Option.Option<Duration.Duration>
}

type Request = Effect.Effect<HttpClientRequest.HttpClientRequest, ProviderReason>
type Read<A> = (response: ProviderResponse) => Effect.Effect<A, ProviderReason>

/** How one provider is asked over HTTP: what all of them have in common. */
export interface ProviderHttp {
  /**
   * Makes a request and reads its answer. Requests keep POLL_SPACING apart. Each may take 30 seconds, and is made up to
   * three times where its failure may pass, with growing pauses, and after as long as `Retry-After` asks for. A provider
   * that another one stands behind has 10 seconds in all. While the circuit is open, nothing is asked.
   *
   * `request` runs anew for each attempt. A secret in its query must be `Redacted`, so that no span shows it.
   * `read` gets answers of every status.
   */
  readonly call: <A>(request: Request, read: Read<A>) => Effect.Effect<A, ProviderReason>
  /** One more request and its answer as a part of a call's `request`, within the call's time, attempts and circuit. */
  readonly exchange: <A>(request: Request, read: Read<A>) => Effect.Effect<A, ProviderReason>
}

/** `name` is as PROVIDERS has it. `secrets` are kept out of all that is answered. */
export const make: (options: {
  readonly name: string
  readonly secrets: ReadonlyArray<Redacted.Redacted>
  readonly maxBodyBytes?: number
}) => Effect.Effect<ProviderHttp, never, Settings | PollCadence | HttpClient.HttpClient | Scope.Scope> =
  Effect.fnUntraced(function* ({ maxBodyBytes = MAX_BODY_BYTES, name, secrets }) {
    const { pollSpacing, providers } = yield* Settings
    const cadence = yield* PollCadence
    const client = yield* HttpClient.HttpClient
    const spacing = yield* RequestSpacing.make(pollSpacing)
    const hasAnotherBehind = providers.slice(0, -1).some((provider) => provider === name)
    const longestWait = hasAnotherBehind ? LONGEST_WAIT_BEFORE_ANOTHER : LONGEST_WAIT
    const longestOpen = () => longestOpenFor(cadence.interval())
    const breaker = yield* makeBreaker(longestOpen)
    yield* breaker.transitions.pipe(
      Stream.runForEach(({ to }) =>
        Metric.update(Metrics.providerCircuit.of({ provider: name }), to === "Closed" ? 0 : 1)
      ),
      Effect.forkScoped
    )

    const exchange: ProviderHttp["exchange"] = Effect.fnUntraced(function* (makeRequest, read) {
      const request = yield* makeRequest
      const response = yield* client.execute(request).pipe(
        Effect.mapError((error) => new Unreachable({ detail: reasonOf(error) })),
        // Our traces are none of a provider's business.
        Effect.provideService(HttpClient.TracerPropagationEnabled, false)
      )
      const body = yield* readBody(response, maxBodyBytes)
      return yield* read({
        status: response.status,
        body: Redaction.redact(body, [...secrets, ...Redaction.sentBy(request)]),
        headers: response.headers,
        retryAfter: yield* retryAfter(response)
      })
    })

    const attempt = <A>(request: Request, read: Read<A>) =>
      exchange(request, read).pipe(
        Effect.timeoutOrElse({
          duration: REQUEST_TIMEOUT,
          orElse: () => Effect.fail(nothingWithin(REQUEST_TIMEOUT))
        }),
        Effect.tapError((reason) =>
          reason._tag === "RateLimited" && reason.retryAfter !== undefined
            ? spacing.pause(Duration.min(reason.retryAfter, longestWait))
            : Effect.void
        ),
        Effect.onExit((exit) =>
          Metric.update(Metrics.providerRequests.of({ provider: name, outcome: outcomeOf(exit) }), 1)
        ),
        timed(Metrics.providerDuration.of({ provider: name }))
      )

    const attempts = Effect.fnUntraced(function* <A>(request: Request, read: Read<A>) {
      const seen = yield* Ref.make(Option.none<ProviderReason>())
      // Waiting for a turn is not the provider's doing, and takes nothing of its time.
      yield* spacing.turn
      const turnToRetry = Effect.flatMap(
        Ref.get(seen),
        Option.match({
          onNone: () => Effect.void,
          onSome: () => spacing.turn
        })
      )
      const answer = Effect.andThen(turnToRetry, attempt(request, read)).pipe(
        Effect.tapError((reason) => Ref.set(seen, Option.some(reason))),
        Effect.retry({ schedule: backoff, while: mayPass(longestWait) })
      )
      if (!hasAnotherBehind) return yield* answer
      const lastSeen = Effect.map(
        Ref.get(seen),
        Option.getOrElse(() => nothingWithin(PATIENCE))
      )
      return yield* Effect.timeoutOrElse(answer, {
        duration: PATIENCE,
        orElse: () => Effect.flip(lastSeen)
      })
    })

    const call = <A>(request: Request, read: Read<A>): Effect.Effect<A, ProviderReason> =>
      attempts(request, read).pipe(
        breaker.execute<A, ProviderReason>({ key: name, classify: classify(longestOpen) }),
        Effect.retry({ schedule: untilProbed, while: isProbing }),
        Effect.mapError((error) =>
          error._tag === "CircuitBreakerError"
            ? new CircuitOpen({ retryAfter: openFor(error.reason) })
            : error
        )
      )

    return { call, exchange }
  })

/** How long a circuit may be open: never until after the next poll, so that a provider that is back is used again by it. */
const longestOpenFor = Option.match({
  onNone: () => Duration.minutes(1),
  // Half of it, since it opens some time after a poll began.
  onSome: (interval: Duration.Duration) =>
    Duration.min(Duration.divideUnsafe(interval, 2), Duration.minutes(5))
})

const makeBreaker = (longestOpen: () => Duration.Duration) =>
  CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(FAILURES_TO_OPEN),
    openDuration: Schedule.exponential("2 seconds").pipe(
      Schedule.modifyDelay(({ duration }) =>
        Effect.sync(() => Duration.min(duration, Duration.min(longestOpen(), Duration.minutes(1))))
      )
    )
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

export const nothingWithin = (duration: Duration.Duration): ProviderReason =>
  new Unreachable({ detail: `nothing within ${Duration.format(duration)}` })

const outcomeOf = (exit: Exit.Exit<unknown, ProviderReason>) =>
  Exit.isSuccess(exit)
    ? "success"
    : Option.match(Cause.findErrorOption(exit.cause), {
        onNone: () => "interrupted",
        onSome: ({ _tag }) => String.pascalToSnake(_tag)
      })

const backoff = Schedule.exponential("250 millis").pipe(
  Schedule.jittered,
  Schedule.upTo({ times: RETRIES }),
  Schedule.setInputType<ProviderReason>()
)

/** Whether the same request may succeed soon. What a provider refuses or contradicts, it will again. */
const mayPass = (longestWait: Duration.Duration) => (reason: ProviderReason) => {
  switch (reason._tag) {
    case "Unreachable":
    case "Failing":
    case "Malformed":
      return true
    case "RateLimited":
      return reason.retryAfter === undefined || Duration.isLessThanOrEqualTo(reason.retryAfter, longestWait)
    default:
      return false
  }
}

/** Only what says that the provider as a whole is ill counts; an answer about one pair does not. */
const classify =
  (longestOpen: () => Duration.Duration) =>
  (exit: Exit.Exit<unknown, ProviderReason>): CircuitBreaker.Outcome => {
    if (Exit.isSuccess(exit)) return CircuitBreaker.success
    const reason = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
    switch (reason?._tag) {
      case "RateLimited":
        return CircuitBreaker.failure({
          retryAfter: reason.retryAfter && Duration.min(reason.retryAfter, longestOpen())
        })
      case "Failing":
        return reason.status >= 500 ? CircuitBreaker.failure() : CircuitBreaker.ignored
      // A gateway's page with 200 is as good as its 502.
      case "Malformed":
      case "Unreachable":
        return CircuitBreaker.failure()
      default:
        return CircuitBreaker.ignored
    }
  }

const untilProbed = Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: PROBE_WAIT }))

const isProbing = (error: ProviderReason | CircuitBreaker.CircuitBreakerError) =>
  error._tag === "CircuitBreakerError" && error.reason._tag === "CircuitHalfOpen"

const openFor = (reason: CircuitBreaker.CircuitBreakerErrorReason) =>
  reason._tag === "CircuitOpen" ? reason.retryAfter : Duration.seconds(1)

/** Such as `ECONNREFUSED`, which says more than that there was no connection, and nothing secret. */
const reasonOf = ({ cause, reason }: HttpClientError.HttpClientError): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : reason._tag

const readBody = (response: HttpClientResponse.HttpClientResponse, maxBytes: number) =>
  response.stream.pipe(
    Stream.mapError((error) => new Unreachable({ detail: `the answer broke off (${error.reason._tag})` })),
    Stream.runFoldEffect(
      () => ({ chunks: new Array<Uint8Array>(), size: 0 }),
      (body, chunk) => {
        body.chunks.push(chunk)
        body.size += chunk.length
        return body.size > maxBytes
          ? Effect.fail(new Malformed({ detail: `more than ${maxBytes} bytes` }))
          : Effect.succeed(body)
      }
    ),
    // Drops a byte order mark, which some servers write and JSON.parse refuses.
    Effect.map(({ chunks }) => new TextDecoder().decode(Buffer.concat(chunks)))
  )

const retryAfter = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const header = Option.fromUndefinedOr(response.headers["retry-after"])
  const parsed = Option.flatMap(header, (text) => Result.getSuccess(Headers.parseRetryAfter(text)))
  if (Option.isNone(parsed)) return Option.none()
  return Option.some(Headers.retryAfterDelay(parsed.value, yield* Clock.currentTimeMillis))
})

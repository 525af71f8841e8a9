import {
  BigDecimal,
  Context,
  DateTime,
  Duration,
  Effect,
  Exit,
  Layer,
  Metric,
  Option,
  Redacted,
  Result
} from "effect"
import { Cause, Clock, Predicate, Ref, Schedule, Stream, String } from "effect"
import {
  Headers,
  HttpClient,
  type HttpClientError,
  HttpClientRequest,
  type HttpClientResponse
} from "effect/http"
import { CircuitBreaker } from "effect/persistence"
import { Settings } from "../config/Settings.ts"
import type { CurrencyPair } from "../domain/CurrencyPair.ts"
import type { RateTick } from "../domain/Rate.ts"
import * as Metrics from "../platform/Metrics.ts"
import * as FlutterwaveAnswer from "./FlutterwaveAnswer.ts"
import * as FlutterwaveSandbox from "./FlutterwaveSandbox.ts"
import { CircuitOpen, Malformed, ProviderError, type ProviderReason, Unreachable } from "./ProviderError.ts"
import * as Spacing from "./Spacing.ts"

/** How long one request may take. */
const REQUEST_TIMEOUT = Duration.seconds(30)
/** How often a request is made again, where its failure may pass. */
const RETRIES = 2
/** A provider that asks to be left alone for longer than this is not waited for within one call. */
const LONGEST_WAIT = Duration.seconds(30)
const MAX_BODY_BYTES = 64 * 1024
/** Flutterwave's keys are longer; what is shorter is a stand-in such as `test`. */
const SHORTEST_SECRET = 16
/** How many calls in a row must fail before the provider is left alone for a while. */
const FAILURES_TO_OPEN = 5

/** Flutterwave's `GET /v3/transfers/rates`. */
export class FlutterwaveClient extends Context.Service<
  FlutterwaveClient,
  {
    /**
     * The rate of one pair: units of `pair.to` for one unit of `pair.from`, taken from the amounts of the answer. Asks
     * up to three times, 30 seconds each, and not at all while the circuit is open.
     */
    readonly rate: (pair: CurrencyPair) => Effect.Effect<RateTick, ProviderError>
  }
>()("effex/providers/FlutterwaveClient") {
  /** Flutterwave at `FLUTTERWAVE_BASE_URL`. */
  static readonly layer = Layer.effect(
    FlutterwaveClient,
    Effect.gen(function* () {
      const { flutterwaveBaseUrl, flutterwaveSecretKey } = yield* Settings
      return yield* make(
        "flutterwave",
        flutterwaveBaseUrl,
        Option.getOrElse(flutterwaveSecretKey, () => Redacted.make(""))
      )
    })
  )

  /** The sandbox, on a free port of this machine for as long as the layer lives. */
  static readonly layerSandbox = Layer.effect(
    FlutterwaveClient,
    Effect.gen(function* () {
      const sandbox = yield* FlutterwaveSandbox.listen({ host: "127.0.0.1", port: 0 })
      return yield* make("sandbox", sandbox.baseUrl, Redacted.make(FlutterwaveSandbox.SECRET_KEY))
    })
  )
}

const make = Effect.fnUntraced(function* (name: string, baseUrl: string, secretKey: Redacted.Redacted) {
  const { flutterwaveAmount: amount, pollSpacing } = yield* Settings
  const client = yield* HttpClient.HttpClient
  const spacing = yield* Spacing.make(pollSpacing)
  const inverseSeen = yield* Ref.make(false)
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(FAILURES_TO_OPEN),
    openDuration: Schedule.min([Schedule.exponential("2 seconds"), Schedule.spaced("1 minute")]),
    maxOpenDuration: "5 minutes"
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))

  const key = Redacted.value(secretKey)
  /** Who repeats what it was sent must not carry the key into logs and records. A short key may be part of anything. */
  const withoutKey = (text: string) =>
    key.length < SHORTEST_SECRET ? text : text.replaceAll(key, "<redacted>")

  const noteConvention = Effect.fnUntraced(function* (quotation: FlutterwaveAnswer.Quotation) {
    if (quotation.convention === "direct") return
    yield* Metric.update(Metrics.inverseConvention, 1)
    if (yield* Ref.getAndSet(inverseSeen, true)) return
    yield* Effect.logWarning(
      "Flutterwave writes its rate field in the convention of before April 2026; the amounts are used, and are right"
    )
  })

  const request = Effect.fnUntraced(function* (pair: CurrencyPair) {
    const response = yield* client
      .execute(
        HttpClientRequest.get(`${baseUrl}/v3/transfers/rates`).pipe(
          HttpClientRequest.setUrlParams({
            amount,
            source_currency: pair.from,
            destination_currency: pair.to
          }),
          HttpClientRequest.bearerToken(secretKey),
          HttpClientRequest.acceptJson
        )
      )
      .pipe(
        Effect.mapError((error) => new Unreachable({ detail: reasonOf(error) })),
        // Our traces are none of Flutterwave's business.
        Effect.provideService(HttpClient.TracerPropagationEnabled, false)
      )
    const body = withoutKey(yield* readBody(response))
    if (response.status < 200 || response.status >= 300) {
      return yield* FlutterwaveAnswer.readError(response.status, body, yield* retryAfter(response))
    }
    const asked = { pair, amount: BigDecimal.fromStringUnsafe(amount) }
    const quotation = yield* Effect.fromResult(FlutterwaveAnswer.read(body, asked))
    yield* noteConvention(quotation)
    const tick: RateTick = {
      pair,
      rate: quotation.rate,
      sourceAmount: quotation.sourceAmount,
      destinationAmount: quotation.destinationAmount,
      providerRate: quotation.providerRate,
      provider: response.headers[FlutterwaveSandbox.HEADER] === undefined ? name : "sandbox",
      raw: body,
      observedAt: yield* DateTime.now
    }
    return tick
  })

  const attempt = (pair: CurrencyPair) =>
    request(pair).pipe(
      Effect.timeoutOrElse({
        duration: REQUEST_TIMEOUT,
        orElse: () =>
          Effect.fail(new Unreachable({ detail: `nothing within ${Duration.format(REQUEST_TIMEOUT)}` }))
      }),
      Effect.tapError((reason) =>
        reason._tag === "RateLimited" && reason.retryAfter !== undefined
          ? spacing.pause(Duration.min(reason.retryAfter, LONGEST_WAIT))
          : Effect.void
      ),
      Effect.onExit((exit) => Metric.update(providerRequests(name, outcomeOf(exit)), 1)),
      (bounded) => Effect.andThen(spacing.turn, bounded)
    )

  const rate = Effect.fn("FlutterwaveClient.rate")(function* (pair: CurrencyPair) {
    yield* Effect.annotateCurrentSpan({ pair: pair.key })
    return yield* attempt(pair).pipe(
      Effect.retry({ schedule: backoff, while: mayPass }),
      breaker.execute({ key: name, classify }),
      Effect.mapError((error) =>
        error._tag === "CircuitBreakerError" ? new CircuitOpen({ retryAfter: openFor(error.reason) }) : error
      ),
      Effect.mapError((reason) => new ProviderError({ provider: name, pair, reason }))
    )
  })

  return FlutterwaveClient.of({ rate })
})

const providerRequests = (provider: string, outcome: string) =>
  Metric.withAttributes(Metrics.providerRequests, { provider, outcome })

const outcomeOf = (exit: Exit.Exit<RateTick, ProviderReason>) =>
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

/** Whether the same request may succeed soon. What Flutterwave refuses or contradicts, it will again. */
const mayPass = (reason: ProviderReason) => {
  switch (reason._tag) {
    case "Unreachable":
    case "Failing":
    case "Malformed":
      return true
    case "RateLimited":
      return reason.retryAfter === undefined || Duration.isLessThanOrEqualTo(reason.retryAfter, LONGEST_WAIT)
    default:
      return false
  }
}

/** Only what says that Flutterwave as a whole is ill counts; an answer about one pair does not. */
const classify = (exit: Exit.Exit<RateTick, ProviderReason>): CircuitBreaker.Outcome => {
  if (Exit.isSuccess(exit)) return CircuitBreaker.success
  const reason = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  switch (reason?._tag) {
    case "RateLimited":
      return CircuitBreaker.failure({ retryAfter: reason.retryAfter })
    case "Failing":
      return reason.status >= 500 ? CircuitBreaker.failure() : CircuitBreaker.ignored
    case "Unreachable":
      return CircuitBreaker.failure()
    default:
      return CircuitBreaker.ignored
  }
}

const openFor = (reason: CircuitBreaker.CircuitBreakerErrorReason) =>
  reason._tag === "CircuitOpen" ? reason.retryAfter : Duration.seconds(1)

/** Such as `ECONNREFUSED`, which says more than that there was no connection, and nothing secret. */
const reasonOf = ({ cause, reason }: HttpClientError.HttpClientError): string =>
  Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : reason._tag

const readBody = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.mapError((error) => new Unreachable({ detail: `the answer broke off (${error.reason._tag})` })),
    Stream.runFoldEffect(
      () => ({ chunks: new Array<Uint8Array>(), size: 0 }),
      (body, chunk) => {
        body.chunks.push(chunk)
        body.size += chunk.length
        return body.size > MAX_BODY_BYTES
          ? Effect.fail(new Malformed({ detail: `more than ${MAX_BODY_BYTES} bytes` }))
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

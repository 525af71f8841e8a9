import { Cause, Clock, Duration, Effect, Exit, Metric, Option, Redacted, Schema } from "effect"
import { Headers, HttpClient, HttpClientRequest } from "effect/http"
import { timed } from "../../platform/metrics/MetricSeries.ts"
import * as ExchangeMetrics from "../../platform/metrics/ExchangeMetrics.ts"
import { excerpt, type ProviderReason } from "../../providers/ProviderError.ts"
import * as ProviderResponse from "../../providers/ProviderResponse.ts"
import * as ResponseJson from "../../providers/ResponseJson.ts"
import { ExchangeUnknown, type UnknownKind } from "../ExchangeClient.ts"

const KEY_ID_HEADER = "apca-api-key-id"
const SECRET_HEADER = "apca-api-secret-key"

/** Timeout of one request. */
export const REQUEST_TIMEOUT = Duration.seconds(10)
const MAX_BODY_BYTES = 64 * 1024
/** Longest wait that is passed on after 429. Alpaca's window is a minute. */
const MAX_RETRY_AFTER = Duration.minutes(5)

/** Code of a forbidden order: lack of funds, an amount that is too small, suspended trading and more. */
const FORBIDDEN_ORDER = "40310000"

/** Alpaca stated that the request has no effect. `message` is in Alpaca's words. */
export class AlpacaRefusal extends Schema.TaggedError<AlpacaRefusal>()("AlpacaRefusal", {
  status: Schema.Int,
  message: Schema.String
}) {}

/** Statuses of refusals that are certain if the body is an error of Alpaca. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 422])

const decodeError = Schema.decodeUnknownOption(
  Schema.Struct({ code: Schema.optionalKey(Schema.String), message: Schema.String })
)

/** HTTP access to Alpaca's trading API. */
export interface AlpacaHttp {
  /** Fails with an unknown outcome. `detail` must have no secrets. */
  readonly unknown: (kind: UnknownKind, detail: string, retryAfter?: Duration.Duration) => ExchangeUnknown
  /**
   * Sends a request once, and returns the JSON of a successful response. Numbers are their text. An answer without a body is
   * undefined. Everything that is neither a success nor an error stated by Alpaca itself is an unknown outcome, such as an
   * error of a proxy.
   */
  readonly send: (
    operation: ExchangeMetrics.ExchangeOperation,
    request: HttpClientRequest.HttpClientRequest
  ) => Effect.Effect<unknown, AlpacaRefusal | ExchangeUnknown>
  /** Reads what every account has. `read` returns none if fields are missing. */
  readonly get: <A>(
    operation: "clock" | "account",
    read: (json: unknown) => Option.Option<A>
  ) => Effect.Effect<A, ExchangeUnknown>
  /** Outcome of a refusal that makes no sense, such as of a request without parameters. */
  readonly unexpected: (refusal: AlpacaRefusal) => ExchangeUnknown
}

export interface AlpacaAccess {
  /** Name as in `EXCHANGE`. */
  readonly name: string
  /** `https://paper-api.alpaca.markets` for simulated money, `https://api.alpaca.markets` for real money. */
  readonly baseUrl: string
  readonly keyId: Redacted.Redacted
  readonly secretKey: Redacted.Redacted
}

/** Makes the HTTP access to the trading API of an account. */
export const make = Effect.fnUntraced(function* ({ baseUrl, keyId, name, secretKey }: AlpacaAccess) {
  const secrets = [keyId, secretKey]
  const client = (yield* HttpClient.HttpClient).pipe(
    HttpClient.mapRequest((request) => ({
      ...request,
      headers: Headers.setAll(request.headers, {
        accept: "application/json",
        [KEY_ID_HEADER]: Redacted.value(keyId),
        [SECRET_HEADER]: Redacted.value(secretKey)
      })
    })),
    HttpClient.transformResponse(
      Effect.provideService(Headers.CurrentRedactedNames, [KEY_ID_HEADER, SECRET_HEADER])
    )
  )

  const unknown: AlpacaHttp["unknown"] = (kind, detail, retryAfter) =>
    new ExchangeUnknown({
      exchange: name,
      kind,
      detail: excerpt(detail),
      ...(retryAfter === undefined ? {} : { retryAfter })
    })

  const fromReason = (reason: ProviderReason) =>
    "detail" in reason
      ? unknown(reason._tag === "Unreachable" ? "unreachable" : "malformed", reason.detail)
      : unknown("malformed", reason._tag)

  const read = Effect.fnUntraced(function* (response: ProviderResponse.ProviderResponse) {
    const { body, status } = response
    const json = ResponseJson.parse(body)
    if (status >= 200 && status < 300) {
      if (body === "") return undefined
      return yield* Effect.mapError(Effect.fromOption(json), () =>
        fromReason(ResponseJson.rejection(body, json))
      )
    }
    const stated = Option.getOrUndefined(Option.flatMap(json, decodeError))
    const detail = `status ${status}: ${stated?.message ?? body}`
    if (status === 429) return yield* unknown("rate-limited", detail, yield* retryAfterOf(response))
    if (status === 401) return yield* unknown("unauthorized", detail)
    if (status >= 500) return yield* unknown("failing", detail)
    // Without a code, a proxy or another server answered; with one, 403 is also a lack of permission of the account.
    if (stated?.code === undefined || !REFUSALS.has(status))
      return yield* unknown(status === 403 ? "unauthorized" : "malformed", detail)
    if (status === 403 && stated.code !== FORBIDDEN_ORDER) return yield* unknown("unauthorized", detail)
    return yield* new AlpacaRefusal({ status, message: excerpt(stated.message) })
  })

  const exchange = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest) {
    const response = yield* client.execute(request).pipe(
      Effect.mapError((error) => fromReason(ProviderResponse.unreachable(error))),
      // The exchange must not see our trace ids.
      Effect.provideService(HttpClient.TracerPropagationEnabled, false)
    )
    const complete = yield* ProviderResponse.rejectRedirect(response, request.url, secrets).pipe(
      Effect.andThen(ProviderResponse.read(response, MAX_BODY_BYTES, secrets)),
      Effect.mapError(fromReason)
    )
    return yield* read(complete)
  })

  const send: AlpacaHttp["send"] = (operation, request) =>
    exchange(request).pipe(
      Effect.timeoutOrElse({
        duration: REQUEST_TIMEOUT,
        orElse: () => Effect.fail(unknown("timeout", `no answer within ${Duration.format(REQUEST_TIMEOUT)}`))
      }),
      Effect.onExit((exit) =>
        Metric.update(ExchangeMetrics.requests.of({ exchange: name, operation, outcome: outcomeOf(exit) }), 1)
      ),
      timed(ExchangeMetrics.requestDuration.of({ exchange: name, operation }))
    )

  const unexpected: AlpacaHttp["unexpected"] = ({ message, status }) =>
    unknown("malformed", `status ${status}: ${message}`)

  const get: AlpacaHttp["get"] = Effect.fnUntraced(function* (operation, read) {
    const json = yield* send(operation, HttpClientRequest.get(`${baseUrl}/v2/${operation}`)).pipe(
      Effect.catchTag("AlpacaRefusal", (refusal) => Effect.fail(unexpected(refusal)))
    )
    return yield* Effect.mapError(Effect.fromOption(read(json)), () =>
      unknown("malformed", `the ${operation} lacks fields or has others`)
    )
  })

  return { unknown, unexpected, send, get } satisfies AlpacaHttp
})

/** Returns the time of `Retry-After`, or until Alpaca's window of requests ends. */
const retryAfterOf = Effect.fnUntraced(function* ({
  headers,
  retryAfter
}: ProviderResponse.ProviderResponse) {
  const now = yield* Clock.currentTimeMillis
  const reset = /^\d{1,10}$/.exec(headers["x-ratelimit-reset"] ?? "")?.[0]
  const wait = Option.getOrElse(retryAfter, () =>
    Duration.millis(reset === undefined ? 0 : Math.max(0, Number(reset) * 1000 - now))
  )
  return Duration.min(wait, MAX_RETRY_AFTER)
})

const outcomeOf = (exit: Exit.Exit<unknown, AlpacaRefusal | ExchangeUnknown>) => {
  if (Exit.isSuccess(exit)) return "success"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) return "interrupted"
  if (error._tag === "ExchangeUnknown") return error.kind.replaceAll("-", "_")
  return error.status === 404 ? "not_found" : "refused"
}

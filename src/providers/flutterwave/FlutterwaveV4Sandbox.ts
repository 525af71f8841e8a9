import { BigDecimal, Clock, DateTime, Duration, Effect, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { SecureRandom } from "effect/crypto"
import { keyOf } from "../../domain/money/AssetPair.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxRates } from "../sandbox/SandboxRates.ts"

const TOKEN_LIFETIME = Duration.seconds(600)
/** Decimals of numbers without `precision` in the request. */
const DEFAULT_PRECISION = 6
/** Maximum number of stored responses for idempotency keys. */
const MAX_REPLAYS = 1000

const TokenRequest = Schema.Struct({
  grant_type: Schema.Literal("client_credentials"),
  client_id: Schema.NonEmptyString,
  client_secret: Schema.NonEmptyString
})
const RateRequest = Schema.Struct({
  source: Schema.Struct({ currency: Schema.String }),
  destination: Schema.Struct({ currency: Schema.String, amount: Schema.String }),
  precision: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 })))
})
const decodeRequest = Schema.decodeUnknownOption(Schema.fromJsonString(RateRequest))

/** Simulates Flutterwave's v4. `POST /v4/token` accepts any client; `POST /v4/transfers/rates` needs a valid token. */
export const make = (rates: SandboxRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FlutterwaveV4Fault>()
  /** Expiry of each token, in epoch milliseconds. */
  const tokens = new Map<string, number>()
  /** Request and response by idempotency key. */
  const replays = new Map<string, { readonly request: string; readonly response: string }>()
  let requests = 0

  const token = HttpServerRequest.schemaBodyUrlParams(TokenRequest).pipe(
    Effect.flatMap(() =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        for (const [token, expiry] of tokens) if (expiry <= now) tokens.delete(token)
        const accessToken = SecureRandom.uuidV4Unsafe()
        tokens.set(accessToken, now + Duration.toMillis(TOKEN_LIFETIME))
        return HttpServerResponse.jsonUnsafe({
          access_token: accessToken,
          expires_in: Duration.toSeconds(TOKEN_LIFETIME),
          refresh_expires_in: 0,
          token_type: "Bearer",
          scope: "profile email"
        })
      })
    ),
    Effect.catchTag(["SchemaError", "HttpServerError"], () =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe(
          { error: "unauthorized_client", error_description: "Invalid client or Invalid client credentials" },
          { status: 401 }
        )
      )
    )
  )

  const quote = Effect.gen(function* () {
    requests++
    const { headers, text } = yield* HttpServerRequest.HttpServerRequest
    const expiry = tokens.get((headers["authorization"] ?? "").replace(/^Bearer /, "")) ?? 0
    if (expiry <= (yield* Clock.currentTimeMillis)) return unauthorized
    const requestText = yield* text
    const key = headers["x-idempotency-key"]
    if (key !== undefined && (key.length < 12 || key.length > 255)) {
      return error(400, "10400", "X-Idempotency-Key must have 12 to 255 characters")
    }
    const replay = key === undefined ? undefined : replays.get(key)
    if (replay !== undefined) {
      return replay.request === requestText
        ? created(replay.response).pipe(HttpServerResponse.setHeader("x-idempotency-cache-hit", "true"))
        : error(409, "10409", "X-Idempotency-Key was used with another body")
    }
    const request = decodeRequest(requestText)
    if (Option.isNone(request)) return error(400, "10400", "Request is not valid")
    const { destination, precision = DEFAULT_PRECISION, source } = request.value
    const [from, to] = [source.currency, destination.currency]
    const amount = Option.filter(Decimal.parse(destination.amount), BigDecimal.isPositive)
    const current = yield* rates.next(from, to)
    if (Option.isNone(amount)) return error(400, "10400", "destination.amount must be a positive number")
    if (Option.isNone(current)) return error(422, "10422", `${from} to ${to} is not supported`)

    const { distort, fault } = yield* faults.next([keyOf(from, to)])
    const rate = distort(keyOf(from, to), current.value)
    const fixed = (value: BigDecimal.BigDecimal) =>
      Decimal.formatFixed(BigDecimal.round(value, { scale: precision, mode: "half-even" }), precision)
    const body = JSON.stringify({
      status: "success",
      message: "Rate created",
      data: {
        id: `rex_${SecureRandom.uuidV4Unsafe().replaceAll("-", "").slice(0, 14)}`,
        // Units of the source for one unit of the destination, the inverse of v3.
        rate: fixed(Decimal.quotient(BigDecimal.make(1n, 0), rate)),
        source: { amount: fixed(Decimal.quotient(amount.value, rate, 18)), currency: from },
        destination: { amount: destination.amount, currency: to },
        created_datetime: DateTime.formatIso(yield* DateTime.now)
      }
    })
    if (fault !== undefined) return yield* faultyResponse(fault, body)
    if (key !== undefined) {
      replays.set(key, { request: requestText, response: body })
      const [oldest] = replays.keys()
      if (replays.size > MAX_REPLAYS && oldest !== undefined) replays.delete(oldest)
    }
    return created(body)
  }).pipe(
    Effect.catchTag("HttpServerError", () => Effect.succeed(error(400, "10400", "Request is not valid")))
  )

  return {
    ...faults,
    requests: Effect.sync(() => requests),
    routes: [
      HttpRouter.route("POST", "/v4/token", token),
      HttpRouter.route("POST", "/v4/transfers/rates", quote)
    ]
  }
}

const created = (text: string) =>
  HttpServerResponse.text(text, { status: 201, contentType: "application/json" })

const types: Readonly<Record<string, string>> = {
  10400: "REQUEST_NOT_VALID",
  10401: "UNAUTHORIZED",
  10409: "CONFLICT",
  10422: "UNPROCESSABLE",
  10429: "TOO_MANY_REQUESTS",
  10500: "INTERNAL_SERVER_ERROR"
}

const error = (status: number, code: string, message: string) =>
  HttpServerResponse.jsonUnsafe(
    { status: "failed", error: { type: types[code], code, message, validation_errors: [] } },
    { status }
  )

const unauthorized = error(401, "10401", "Unauthorized")

/** Makes the response of an injected fault; `normalBody` is the body without it. */
const faultyResponse = (
  fault: Exclude<SandboxFaults.FlutterwaveV4Fault, SandboxFaults.Distortion>,
  normalBody: string
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  switch (fault) {
    case "429":
      return Effect.succeed(error(429, "10429", "Too many requests"))
    case "500":
      return Effect.succeed(error(500, "10500", "An unexpected error occurred"))
    case "hang":
      return Effect.never
    case "truncated":
      return Effect.succeed(created(normalBody.slice(0, -20)))
    case "expired":
      return Effect.succeed(unauthorized)
  }
}

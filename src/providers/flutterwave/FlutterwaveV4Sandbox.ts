import { BigDecimal, Clock, DateTime, Duration, Effect, Option, Schema } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { SecureRandom } from "effect/crypto"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as SandboxFaults from "../sandbox/SandboxFaults.ts"
import type { SandboxRates } from "../sandbox/SandboxRates.ts"

const TOKEN_LIFE = Duration.seconds(600)
/** How many decimals its numbers have where nothing is asked for. */
const PRECISION = 6
/** How many answers are kept to be given again. */
const REPLAYS = 1000

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

/** Flutterwave's v4: `POST /v4/token` takes every client, `POST /v4/transfers/rates` wants a token of the last 600 seconds. */
export const make = (rates: SandboxRates) => {
  const faults = SandboxFaults.make<SandboxFaults.FlutterwaveV4Fault>()
  /** Until when each token is good, in milliseconds. */
  const tokens = new Map<string, number>()
  /** What was asked and answered under each idempotency key. */
  const answered = new Map<string, { readonly asked: string; readonly text: string }>()
  let requests = 0

  const token = HttpServerRequest.schemaBodyUrlParams(TokenRequest).pipe(
    Effect.flatMap(() =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        for (const [known, until] of tokens) if (until <= now) tokens.delete(known)
        const fresh = SecureRandom.uuidV4Unsafe()
        tokens.set(fresh, now + Duration.toMillis(TOKEN_LIFE))
        return HttpServerResponse.jsonUnsafe({
          access_token: fresh,
          expires_in: Duration.toSeconds(TOKEN_LIFE),
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
    const good = tokens.get((headers["authorization"] ?? "").replace(/^Bearer /, "")) ?? 0
    if (good <= (yield* Clock.currentTimeMillis)) return unauthorized
    const asked = yield* text
    const key = headers["x-idempotency-key"]
    if (key !== undefined && (key.length < 12 || key.length > 255)) {
      return error(400, "10400", "X-Idempotency-Key must have 12 to 255 characters")
    }
    const before = key === undefined ? undefined : answered.get(key)
    if (before !== undefined) {
      return before.asked === asked
        ? created(before.text).pipe(HttpServerResponse.setHeader("x-idempotency-cache-hit", "true"))
        : error(409, "10409", "X-Idempotency-Key was used with another body")
    }
    const request = decodeRequest(asked)
    if (Option.isNone(request)) return error(400, "10400", "Request is not valid")
    const { destination, precision = PRECISION, source } = request.value
    const [from, to] = [source.currency, destination.currency]
    const amount = Option.filter(Decimal.parse(destination.amount), BigDecimal.isPositive)
    const current = yield* rates.next(from, to)
    if (Option.isNone(amount)) return error(400, "10400", "destination.amount must be a positive number")
    if (Option.isNone(current)) return error(422, "10422", `${from} to ${to} is not supported`)

    const { distorted, fault } = yield* faults.next([`${from}:${to}`])
    const rate = distorted(`${from}:${to}`, current.value)
    const written = (value: BigDecimal.BigDecimal) =>
      Decimal.formatFixed(BigDecimal.round(value, { scale: precision, mode: "half-even" }), precision)
    const body = JSON.stringify({
      status: "success",
      message: "Rate created",
      data: {
        id: `rex_${SecureRandom.uuidV4Unsafe().replaceAll("-", "").slice(0, 14)}`,
        // Units of the source for one of the destination: the other way round than in v3.
        rate: written(Decimal.quotient(BigDecimal.make(1n, 0), rate)),
        source: { amount: written(Decimal.quotient(amount.value, rate, 18)), currency: from },
        destination: { amount: destination.amount, currency: to },
        created_datetime: DateTime.formatIso(yield* DateTime.now)
      }
    })
    if (fault !== undefined) return yield* faulty(fault, body)
    if (key !== undefined) {
      answered.set(key, { asked, text: body })
      const [oldest] = answered.keys()
      if (answered.size > REPLAYS && oldest !== undefined) answered.delete(oldest)
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

const faulty = (
  fault: Exclude<SandboxFaults.FlutterwaveV4Fault, SandboxFaults.Distortion>,
  good: string
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  switch (fault) {
    case "429":
      return Effect.succeed(error(429, "10429", "Too many requests"))
    case "500":
      return Effect.succeed(error(500, "10500", "An unexpected error occurred"))
    case "hang":
      return Effect.never
    case "truncated":
      return Effect.succeed(created(good.slice(0, -20)))
    case "expired":
      return Effect.succeed(unauthorized)
  }
}

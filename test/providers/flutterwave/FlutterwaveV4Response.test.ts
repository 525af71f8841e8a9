import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Option, Redacted, Result } from "effect"
import { Headers } from "effect/http"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FlutterwaveV4Response from "../../../src/providers/flutterwave/FlutterwaveV4Response.ts"
import { rendered } from "../../config/RenderedValue.ts"
import { pairOf } from "../../support/RateTicks.ts"

const request = { pair: pairOf("NGN", "USD"), amount: BigDecimal.make(300n, 0) }

/** The sample response in Flutterwave's documentation. */
const sample =
  '{"status":"success","message":"Rate created","data":{"id":"rex_JtA0MDnO0ITr","rate":"1728.614990",' +
  '"source":{"amount":"518584.497070","currency":"NGN"},"destination":{"amount":"300","currency":"USD"},' +
  '"created_datetime":"2025-06-25T12:54:25.710Z"}}'

const response = (body: string, status = 201, headers: Record<string, string> = {}) => ({
  status,
  body,
  headers: Headers.fromInput(headers),
  retryAfter: Option.none()
})

const read = (...args: Parameters<typeof response>) => FlutterwaveV4Response.read(response(...args), request)
const rejected = (...args: Parameters<typeof response>) => Option.getOrThrow(Result.getFailure(read(...args)))
const failed = (code: string, message = "no") =>
  JSON.stringify({ status: "failed", error: { type: "X", code, message, validation_errors: [] } })

describe("FlutterwaveV4Response.read", () => {
  it("computes the rate from the amounts and reads its time", () => {
    const { convention, destinationAmount, providerRate, quotedAt, rate, sourceAmount } = Result.getOrThrow(
      read(sample)
    )
    assert.deepStrictEqual(
      {
        convention,
        providerRate,
        rate: Decimal.format(rate),
        sourceAmount: Decimal.format(sourceAmount),
        destinationAmount: Decimal.format(destinationAmount),
        quotedAt: quotedAt && DateTime.formatIso(quotedAt)
      },
      {
        convention: "inverse",
        providerRate: "1728.614990",
        rate: "0.000578497817993015",
        sourceAmount: "518584.49707",
        destinationAmount: "300",
        quotedAt: "2025-06-25T12:54:25.710Z"
      }
    )
  })

  it("accepts the direct convention, numbers and a missing or invalid time", () => {
    const direct = sample
      .replace('"1728.614990"', "0.000578497779")
      .replace(/,"created_datetime":"[^"]*"/, "")
    const { convention, quotedAt } = Result.getOrThrow(read(direct))
    assert.deepStrictEqual([convention, quotedAt], ["direct", undefined])
    const invalidTime = Result.getOrThrow(read(sample.replace("2025-06-25T12:54:25.710Z", "today")))
    assert.isUndefined(invalidTime.quotedAt)
  })

  const contradictions: ReadonlyArray<readonly [string, string, string]> = [
    ["another rate than its amounts", '"1728.614990"', '"1800.1"'],
    ["another pair", '"currency":"USD"', '"currency":"EUR"'],
    ["another amount", '"amount":"300"', '"amount":"301"'],
    ["a negative amount", '"518584.497070"', '"-518584.497070"']
  ]
  it.each(contradictions)("rejects %s, as v3 does", (_, from, to) => {
    assert.strictEqual(rejected(sample.replace(from, to))._tag, "Contradictory")
  })

  it("rejects replayed responses", () => {
    const { _tag } = rejected(sample, 201, { "x-idempotency-cache-hit": "true" })
    assert.strictEqual(_tag, "Malformed")
    assert.isTrue(Result.isSuccess(read(sample, 201, { "x-idempotency-cache-hit": "false" })))
  })

  const failures: ReadonlyArray<readonly [number, string, object]> = [
    [400, failed("10400"), { _tag: "NotQuoted", detail: "10400: no" }],
    [400, failed("10401"), { _tag: "Refused", status: 401, detail: "10401: no" }],
    [403, failed("10403"), { _tag: "Refused", status: 403, detail: "10403: no" }],
    [422, failed("10422"), { _tag: "NotQuoted", detail: "10422: no" }],
    [429, failed("10429"), { _tag: "RateLimited" }],
    [200, failed("10500"), { _tag: "Failing", status: 500, detail: "10500: no" }],
    [400, failed("unknown"), { _tag: "Refused", status: 400, detail: "unknown: no" }],
    [200, failed("unknown"), { _tag: "Failing", status: 200, detail: "unknown: no" }],
    [502, "<html>", { _tag: "Failing", status: 502, detail: "<html>" }],
    [404, "", { _tag: "Refused", status: 404, detail: "" }]
  ]
  it.each(failures)("maps status %i with %s by its error code", (status, body, reason) => {
    assert.deepStrictEqual({ ...rejected(body, status) }, reason)
  })

  it.each(["", "<html>", "{}", '{"status":"success"}', sample.slice(0, -9), sample.replace("rate", "rats")])(
    "rejects %s as malformed",
    (body) => {
      assert.strictEqual(rejected(body)._tag, "Malformed")
    }
  )
})

describe("FlutterwaveV4Response.readToken", () => {
  const token = (body: string, status = 200) => FlutterwaveV4Response.readToken(response(body, status))

  it("uses a token until a minute before expiry, but for at least half of its lifetime", () => {
    const lifetimeOf = (seconds: string) => {
      const { bearer, lifetime } = Result.getOrThrow(
        token(`{"access_token":"ey.x","expires_in":${seconds},"token_type":"Bearer"}`)
      )
      assert.strictEqual(Redacted.value(bearer), "ey.x")
      return Duration.toSeconds(lifetime)
    }
    assert.deepStrictEqual(["600", '"600"', "100", "0", "-5"].map(lifetimeOf), [540, 540, 50, 0, 0])
  })

  it("reports why there is no token", () => {
    const reason = (body: string, status: number) => Option.getOrThrow(Result.getFailure(token(body, status)))
    assert.deepInclude(reason('{"error":"unauthorized_client","error_description":"Invalid client"}', 401), {
      _tag: "Refused",
      status: 401,
      detail: "no token: unauthorized_client: Invalid client"
    })
    assert.deepInclude(reason("<html>", 503), { _tag: "Failing", status: 503 })
    for (const body of ['{"access_token":"ey.secret","expires_in":"soon"}', '"ey.secret"', "ey.secret"]) {
      const malformed = reason(body, 200)
      assert.strictEqual(malformed._tag, "Malformed")
      assert.notInclude(rendered(malformed), "ey.secret")
    }
  })
})

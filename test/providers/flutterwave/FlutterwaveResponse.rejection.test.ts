import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Duration, Option, Result, Schema } from "effect"
import * as FlutterwaveResponse from "../../../src/providers/flutterwave/FlutterwaveResponse.ts"
import {
  describe as describeReason,
  Failing,
  RateLimited,
  Refused
} from "../../../src/providers/ProviderError.ts"
import { body, rejected, request } from "./ResponseText.ts"

describe("FlutterwaveResponse.read, rejections", () => {
  const contradictions = [
    ["swapped currencies", { from: '"USD"', to: '"NGN"' }, "requested NGN:USD, received USD:NGN"],
    ["another source", { from: '"KES"' }, "requested NGN:USD, received KES:USD"],
    ["another destination", { to: '"EUR"' }, "requested NGN:USD, received NGN:EUR"],
    ["lower case", { to: '"usd"' }, "requested NGN:USD, received NGN:usd"],
    ["empty currencies", { from: '""', to: '""' }, "requested NGN:USD, received :"],
    ["another amount", { destination: "1000.01" }, "requested 1000, received 1000.01"],
    [
      "the amount in the source",
      { source: "1000", destination: "0.694", rate: "0.000694" },
      "requested 1000, received 0.694"
    ],
    ["zero", { source: "0" }, "must be positive decimals, found 0, 1000, 0.000694329"],
    ["zero with an exponent", { rate: "0.0e0" }, "must be positive decimals, found 1440239.425, 1000, 0.0e0"],
    ["a negative amount", { source: "-1440239.425" }, "must be positive decimals, found -1440239.425"],
    ["negative amounts", { source: "-1440239.425", destination: "-1000" }, "must be positive decimals"],
    ["a negative rate", { rate: "-0.000694329" }, "must be positive decimals"],
    ["NaN as text", { rate: '"NaN"' }, "must be positive decimals"],
    ["an empty string", { rate: '""' }, "must be positive decimals"],
    ["separators", { source: '"1,440,239.425"' }, "must be positive decimals"],
    ["a huge amount", { source: "1e18" }, "must be positive decimals"],
    ["a tiny rate", { rate: "1e-31" }, "must be positive decimals"],
    ["an amount beyond every range", { source: "1e999999" }, "must be positive decimals, found 1e999999"],
    ["400 digits", { source: "9".repeat(400) }, "must be positive decimals"],
    ["60 decimals", { rate: `0.${"1".repeat(60)}` }, "must be positive decimals"],
    ["NUL in a currency", { from: '"NGN\\u0000"' }, "requested NGN:USD, received NGN :USD"],
    [
      "a rate that is given twice",
      { rate: '0.000694329,"rate":0.0007' },
      "data.rate is given more than once"
    ],
    [
      "an amount that is given twice",
      { source: '1440239.425,"amount":1440000' },
      "data.source.amount is given more than once"
    ],
    [
      "a rate that matches no amounts",
      { rate: "0.0007" },
      "rate 0.0007 matches neither its amounts (0.000694329000193839) nor their inverse"
    ]
  ] as const

  for (const [name, overrides, detail] of contradictions) {
    it(`rejects ${name} as contradictory`, () => {
      const reason = rejected(body(overrides))
      assert.strictEqual(reason._tag, "Contradictory")
      assert.include(describeReason(reason), detail)
    })
  }

  it("rejects amounts that differ too much to derive a rate", () => {
    const read = FlutterwaveResponse.read(body({ rate: "3e17", source: "3e17", destination: "1" }), {
      ...request,
      amount: BigDecimal.make(1n, 0)
    })
    assert.include(describeReason(Option.getOrThrow(Result.getFailure(read))), "differ too much")
  })

  it("rejects missing fields and wrong types as malformed", () => {
    for (const field of ["status", "rate", "from", "source", "to", "destination"]) {
      for (const value of ["null", "true", "[]", "{}", '{"value":1}', '["success"]']) {
        assert.strictEqual(rejected(body({ [field]: value }))._tag, "Malformed", `${field}: ${value}`)
      }
    }
    for (const missing of ['"rate":0.000694329,', '"currency":"NGN",', ',"amount":1000']) {
      assert.strictEqual(rejected(body().replace(missing, ""))._tag, "Malformed", missing)
    }
    for (const data of ["null", "[]", "1", '"x"', "{}"]) {
      assert.strictEqual(
        rejected(`{"status":"success","message":"m","data":${data}}`)._tag,
        "Malformed",
        data
      )
    }
  })

  it("rejects invalid JSON as malformed", () => {
    const texts = [
      "",
      " ",
      "null",
      "[]",
      "OK",
      "<html><head><title>Bad Gateway</title></head></html>",
      body({ rate: "NaN" }),
      body({ rate: "Infinity" }),
      `${body()}x`,
      body() + body(),
      "[".repeat(50_000)
    ]
    for (const text of texts) assert.strictEqual(rejected(text)._tag, "Malformed", text.slice(0, 80))
    for (const end of body().split("").keys())
      assert.strictEqual(rejected(body().slice(0, end))._tag, "Malformed")
  })

  it("distinguishes an unavailable provider from a malformed response", () => {
    const unavailable = '{"status":"error","message":"Unable to fetch rates at the moment","data":null}'
    assert.deepStrictEqual(
      { ...rejected(unavailable) },
      { ...new Failing({ status: 200, detail: "Unable to fetch rates at the moment" }) }
    )
    assert.strictEqual(rejected(body({ status: '"error"' }))._tag, "Failing")
    assert.strictEqual(
      rejected('{"error_id":"E1","message":"Application error","code":"app_error"}')._tag,
      "Failing"
    )
    assert.strictEqual(rejected('{"status":"error"}')._tag, "Malformed")
    assert.strictEqual(rejected('{"status":"error","message":null}')._tag, "Malformed")
  })
})

describe("FlutterwaveResponse.readError", () => {
  const readError = (status: number, text: string) => ({
    ...FlutterwaveResponse.readError(status, text, Option.none())
  })
  const html = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>"
  const appError =
    '{"error_id":"ERRNO500","message":"Application error. Please contact support","code":"app_error"}'
  const message = (text: string) => JSON.stringify({ status: "error", message: text, data: null })

  it.each([
    [400, message("amount is required"), new Refused({ status: 400, detail: "amount is required" })],
    [401, message("Authorization required"), new Refused({ status: 401, detail: "Authorization required" })],
    [
      401,
      '{"status":"error","message":"Invalid authorization key"}',
      new Refused({ status: 401, detail: "Invalid authorization key" })
    ],
    [
      400,
      "Please enable IP Whitelisting to access this service",
      new Refused({ status: 400, detail: "Please enable IP Whitelisting to access this service" })
    ],
    [404, "", new Refused({ status: 404, detail: "" })],
    [301, "", new Refused({ status: 301, detail: "" })],
    [500, appError, new Failing({ status: 500, detail: "Application error. Please contact support" })],
    [
      500,
      message("Unable to fetch rates at the moment"),
      new Failing({ status: 500, detail: "Unable to fetch rates at the moment" })
    ],
    [
      502,
      html,
      new Failing({ status: 502, detail: "<html> <head><title>502 Bad Gateway</title></head> </html>" })
    ],
    [504, "upstream request timeout", new Failing({ status: 504, detail: "upstream request timeout" })],
    [503, '{"message":{"text":"x"}}', new Failing({ status: 503, detail: '{"message":{"text":"x"}}' })],
    [429, message("Too many requests"), new RateLimited({})],
    [429, html, new RateLimited({})]
  ])("maps %i %s to its reason", (status, text, reason) => {
    assert.deepStrictEqual(readError(status, text), { ...reason })
  })

  it("keeps Retry-After only for status 429", () => {
    const retryAfter = Option.some(Duration.seconds(7))
    const limited = FlutterwaveResponse.readError(429, "", retryAfter)
    assert.deepStrictEqual({ ...limited }, { ...new RateLimited({ retryAfter: Duration.seconds(7) }) })
    assert.strictEqual(FlutterwaveResponse.readError(503, "", retryAfter)._tag, "Failing")
  })

  it.prop(
    "quotes at most a short line of the provider's text",
    [Schema.String, Schema.Literals([200, 400, 500])],
    ([text, status]) => {
      for (const body of [text, message(text), text.repeat(100), message(text.repeat(100))]) {
        const reason =
          status === 200 ? rejected(body) : FlutterwaveResponse.readError(status, body, Option.none())
        assert.match(describeReason(reason), /^[\x20-\x7e]{1,160}$/)
      }
    }
  )
})

import { assert, describe, it } from "@effect/vitest"
import { type Client } from "../../../src/client/promise/Client.ts"
import { connect } from "../../../src/client/promise/Connect.ts"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import * as Runtime from "../../../src/client/promise/Runtime.ts"

const URL = "http://127.0.0.1:1"

/** Passes values that only a caller without type checks can pass. */
const untyped = (value: unknown) => JSON.parse(JSON.stringify(value))

/** Returns what a function throws. It must be an error about an option. */
const errorOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    assert.instanceOf(error, EffexError)
    assert.deepInclude(error, { code: "invalid-option", status: 0, retryable: false, sent: false })
    return error.message
  }
  return assert.fail("nothing was thrown")
}

describe("connect: options", () => {
  it("throws at once for a wrong URL, and says what is allowed", () => {
    for (const url of ["127.0.0.1:8000", "localhost:8000", "ftp://127.0.0.1", "", "effex"]) {
      assert.include(
        errorOf(() => connect(url)),
        'an http or https URL such as "http://127.0.0.1:8000"'
      )
    }
    assert.include(
      errorOf(() => connect("https://user:pass@fx.example")),
      "the option apiKey"
    )
    assert.include(
      errorOf(() => connect("https://fx.example/?key=1")),
      "must not contain"
    )
    assert.include(
      errorOf(() => connect("https://fx.example/fx/api/v1/")),
      'use "https://fx.example/fx"'
    )
    connect("https://fx.example/fx/")
    connect(new globalThis.URL("https://fx.example"))
  })

  it("throws at once for a wrong option, and says what is allowed", () => {
    const messages = [
      [
        { apikey: "efx_test_1" },
        'connect has no option "apikey"; the options are apiKey, timeout, connectTimeout, transport'
      ],
      ["efx_test_1", "the options of connect must be an object"],
      [{ apiKey: "" }, "apiKey must be an API key"],
      [{ apiKey: "efx_test_1\n" }, "without spaces or line breaks"],
      [{ timeout: "soon" }, 'timeout must be a duration such as "30 seconds"'],
      [{ timeout: -1 }, "timeout must be a duration"],
      [{ connectTimeout: "1 week" }, "connectTimeout must be a duration"],
      [{ transport: "tcp" }, 'transport must be "sse" or "websocket"']
    ] as const
    for (const [options, message] of messages) {
      assert.include(
        errorOf(() => connect(URL, untyped(options))),
        message
      )
    }
  })

  it("never shows an API key in the message", () => {
    assert.notInclude(
      errorOf(() => connect(URL, { apiKey: "efx_live_secret secret" })),
      "secret"
    )
  })

  it("rejects wrong arguments of calls and streams before anything is sent", async () => {
    const effex = connect(URL)
    const request = { amount: "500.00", from: "USD", to: "NGN" }
    const calls: ReadonlyArray<readonly [(effex: Client) => unknown, string]> = [
      [({ rate }) => rate("", "NGN"), 'from must be text such as "USD"'],
      [({ rate }) => rate("USD", untyped(null)), 'to must be text such as "USD"; found object null'],
      [({ rate }) => rate("USD", "NGN", untyped({ max_age: 1 })), "the options are maxAge, signal, timeout"],
      [({ rate }) => rate("USD", "NGN", { maxAge: untyped("1 fortnight") }), "maxAge must be a duration"],
      [
        ({ convert }) => convert({ ...request, amount: untyped(500) }),
        'as text, such as "500.00"; found number 500'
      ],
      [({ convert }) => convert({ ...request, amount: "1e3" }), 'found "1e3"'],
      [({ convert }) => convert({ ...request, idempotencyKey: "naïve" }), "printable ASCII"],
      [({ convert }) => convert(untyped({ ...request, from_currency: "USD" })), 'no option "from_currency"'],
      [({ createQuote }) => createQuote({ ...request, amountType: untyped("both") }), '"source" or "target"'],
      [({ quote }) => quote(untyped(7)), "quoteId must be text"],
      [({ rateAsOf }) => rateAsOf("USD", "NGN", "yesterday"), "at must be a Date, or ISO 8601 text"],
      [({ rateAsOf }) => rateAsOf("USD", "NGN", "2026-11-21T03:27:17"), "at must be a Date"],
      [({ history }) => history("USD", "NGN", { pageSize: 1001 }), "a whole number from 1 to 1000"],
      [({ history }) => history("USD", "NGN", { interval: untyped("1w") }), '"raw" or "1h" or "1d"'],
      [({ conversions }) => conversions({ since: new Date("never") }), "since must be a Date"],
      [({ auditHeads }) => auditHeads(-1), "after must be a tree size"],
      [({ watch }) => watch(["USDNGN"]), 'two codes such as "USD:NGN" or "BTC:USD"; found "USDNGN"'],
      [({ watch }) => watch([]), 'a list such as ["USD:NGN"]'],
      [({ watch }) => watch(untyped("USD:NGN")), 'a list such as ["USD:NGN"]'],
      [({ watchEvents }) => watchEvents({ since: "yesterday" }), "since must be the position of an event"]
    ]
    for (const [call, message] of calls) {
      const error = await (async () => call(effex))().then(
        () => "no error",
        (thrown: unknown) => thrown
      )
      assert.instanceOf(error, EffexError, message)
      assert.deepInclude(error, { code: "invalid-option", sent: false })
      assert.include(error.message, message)
    }
  })

  it("names the Node.js that it needs on an old one, and accepts newer ones and browsers", () => {
    for (const version of ["18.20.8", "20.20.2", "21.7.3"]) {
      try {
        Runtime.requireSupported(version)
        assert.fail(version)
      } catch (error) {
        assert.instanceOf(error, EffexError)
        assert.strictEqual(error.code, "unsupported-runtime")
        assert.include(error.message, `effex-client needs Node.js 22 or newer; this is Node.js ${version}`)
      }
    }
    for (const version of ["22.0.0", "24.21.0", undefined]) Runtime.requireSupported(version)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Exit, Result, Scope } from "effect"
import { Settings } from "../../../src/config/Settings.ts"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as FlutterwaveResponse from "../../../src/providers/flutterwave/FlutterwaveResponse.ts"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { pairOf } from "../../support/RateTicks.ts"

const listen = (seed = "test") => Sandbox.listen({ host: "127.0.0.1", port: 0, seed })

const send = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers: { authorization: "Bearer any-key" }, ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

const query = (from: string, to: string, amount = "1000000") =>
  `/v3/transfers/rates?${new URLSearchParams({ amount, source_currency: from, destination_currency: to })}`

/** Requests a rate and reads it as the client does. */
const quote = Effect.fnUntraced(function* (baseUrl: string, from: string, to: string) {
  const { text } = yield* send(baseUrl + query(from, to))
  const request = { pair: pairOf(from, to), amount: BigDecimal.make(1_000_000n, 0) }
  return Result.getOrThrow(FlutterwaveResponse.read(text, request))
})

const errorResponse = (status: number, message: string) => ({
  status,
  text: JSON.stringify({ status: "error", message, data: null })
})

describe("FlutterwaveSandbox", () => {
  it.live("responds in Flutterwave's format with the sandbox header", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      const { headers, status, text } = yield* send(baseUrl + query("NGN", "USD", "1000"))
      assert.strictEqual(status, 200)
      assert.include(headers.get("content-type"), "application/json")
      assert.strictEqual(headers.get(Sandbox.HEADER), "true")
      const { data, ...envelope } = JSON.parse(text)
      assert.deepStrictEqual(envelope, { status: "success", message: "Transfer rates fetched" })
      assert.deepStrictEqual(data.source, { currency: "NGN", amount: data.source.amount })
      assert.deepStrictEqual(data.destination, { currency: "USD", amount: 1000 })
      assert.closeTo((data.rate * data.source.amount) / 1000, 1, 1e-5)
      assert.match(text, /"rate":0\.000\d{3,6},/)
    })
  )

  it.live("has a rate with a spread in both directions for every configured pair", () =>
    Effect.gen(function* () {
      const { baseUrl, requests } = yield* listen()
      const { pairs } = yield* Settings
      for (const { from, to } of pairs.all) {
        const forward = yield* quote(baseUrl, from, to)
        const back = yield* quote(baseUrl, to, from)
        assert.strictEqual(forward.convention, "direct")
        const round = BigDecimal.multiply(forward.rate, back.rate)
        assert.isTrue(BigDecimal.isLessThan(round, BigDecimal.make(1n, 0)), `${from}:${to}`)
      }
      assert.strictEqual(pairs.all.length, 44)
      assert.strictEqual(yield* requests, 88)
    }).pipe(Effect.provide(TestSettings.layer()))
  )

  it.live("generates the same rates for the same seed, independent of other requests", () =>
    Effect.gen(function* () {
      const series = Effect.fnUntraced(function* (seed: string, otherCurrencies: ReadonlyArray<string>) {
        const { baseUrl } = yield* listen(seed)
        const rates: Array<string> = []
        for (let n = 0; n < 5; n++) {
          for (const to of otherCurrencies) yield* quote(baseUrl, "EUR", to)
          rates.push(Decimal.format((yield* quote(baseUrl, "USD", "NGN")).rate))
        }
        return rates
      })
      const rates = yield* series("a", [])
      assert.strictEqual(new Set(rates).size, 5)
      assert.deepStrictEqual(yield* series("a", ["NGN", "KES"]), rates)
      assert.notDeepEqual(yield* series("b", []), rates)
    })
  )

  it.live("requires a key and accepts any", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      for (const headers of [
        {},
        { authorization: "" },
        { authorization: "Bearer " },
        { authorization: "Basic eA==" }
      ]) {
        const { status, text } = yield* send(baseUrl + query("USD", "NGN"), { headers })
        assert.deepStrictEqual({ status, text }, errorResponse(401, "Authorization required"))
      }
      const headers = { authorization: `Bearer ${Sandbox.SECRET_KEY}` }
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"), { headers })).status, 200)
    })
  )

  it.live("rejects missing parameters and unknown currencies", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      const request = (search: string) =>
        Effect.map(send(`${baseUrl}/v3/transfers/rates?${search}`), ({ status, text }) => ({ status, text }))
      const valid = { amount: "1", source_currency: "USD", destination_currency: "NGN" }
      for (const name of Object.keys(valid)) {
        for (const search of [
          Object.entries(valid).filter(([key]) => key !== name),
          Object.entries({ ...valid, [name]: "" }),
          [...Object.entries(valid), [name, "USD"]]
        ]) {
          const text = search.map((entry) => entry.join("=")).join("&")
          assert.deepStrictEqual(yield* request(text), errorResponse(400, `${name} is required`), text)
        }
      }
      for (const amount of ["0", "-1", "NaN", "1e999999999", "abc", "9".repeat(19)]) {
        const response = yield* request(`${new URLSearchParams({ ...valid, amount })}`)
        assert.deepStrictEqual(response, errorResponse(400, "amount must be a positive number"), amount)
      }
      for (const to of ["USD", "usd", "ngn", "XXX", "__proto__"]) {
        const response = yield* request(`${new URLSearchParams({ ...valid, destination_currency: to })}`)
        assert.deepStrictEqual(response, errorResponse(400, `USD to ${to} is not supported`), to)
      }
      assert.strictEqual((yield* send(`${baseUrl}/v3/transfers`)).status, 404)
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"), { method: "POST" })).status, 404)
    })
  )

  it.live("injects a fault for the given pairs and number of requests, until it is cleared", () =>
    Effect.gen(function* () {
      const { baseUrl, clearFaults, injectFault } = yield* listen()
      const putFault = (body: unknown) =>
        Effect.map(
          send(`${baseUrl}/faults`, {
            method: "PUT",
            body: JSON.stringify(body),
            // The content type of `curl -d`.
            headers: { "content-type": "application/x-www-form-urlencoded" }
          }),
          ({ status }) => status
        )
      const requestStatus = (to: string) =>
        Effect.map(send(baseUrl + query("USD", to)), ({ status }) => status)

      assert.strictEqual(yield* putFault({ fault: "500", pairs: ["USD:NGN", "USD:GHS"], times: 3 }), 204)
      assert.deepStrictEqual(
        yield* Effect.forEach(["NGN", "KES", "GHS", "NGN", "NGN", "GHS"], requestStatus),
        [500, 200, 500, 500, 200, 200]
      )
      assert.strictEqual(yield* putFault({ fault: "502" }), 204)
      assert.deepStrictEqual(yield* Effect.forEach(["NGN", "KES", "GHS"], requestStatus), [502, 502, 502])
      assert.strictEqual(yield* putFault({ fault: "429", times: 1 }), 204)
      assert.deepStrictEqual(yield* Effect.forEach(["NGN", "KES"], requestStatus), [429, 200])

      yield* injectFault({ fault: "500" })
      for (const invalid of [
        { fault: "501" },
        {},
        { fault: "502", times: 0 },
        { fault: "502", pairs: "USD:NGN" },
        1
      ]) {
        assert.strictEqual(yield* putFault(invalid), 400, JSON.stringify(invalid))
      }
      assert.strictEqual(yield* requestStatus("NGN"), 500)
      assert.strictEqual((yield* send(`${baseUrl}/faults`, { method: "DELETE" })).status, 204)
      assert.strictEqual(yield* requestStatus("NGN"), 200)
      yield* injectFault({ fault: "500" })
      yield* clearFaults
      assert.strictEqual(yield* requestStatus("NGN"), 200)
    })
  )

  it.live("stops with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { baseUrl } = yield* Scope.provide(listen(), scope)
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"))).status, 200)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => fetch(baseUrl)))))
    })
  )
})

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

/** A rate as the client would read it. */
const quote = Effect.fnUntraced(function* (baseUrl: string, from: string, to: string) {
  const { text } = yield* send(baseUrl + query(from, to))
  const asked = { pair: pairOf(from, to), amount: BigDecimal.make(1_000_000n, 0) }
  return Result.getOrThrow(FlutterwaveResponse.read(text, asked))
})

const refusal = (status: number, message: string) => ({
  status,
  text: JSON.stringify({ status: "error", message, data: null })
})

describe("FlutterwaveSandbox", () => {
  it.live("answers in Flutterwave's shape, and says that it is the sandbox", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      const { headers, status, text } = yield* send(baseUrl + query("NGN", "USD", "1000"))
      assert.strictEqual(status, 200)
      assert.include(headers.get("content-type"), "application/json")
      assert.strictEqual(headers.get(Sandbox.HEADER), "true")
      const { data, ...rest } = JSON.parse(text)
      assert.deepStrictEqual(rest, { status: "success", message: "Transfer rates fetched" })
      assert.deepStrictEqual(data.source, { currency: "NGN", amount: data.source.amount })
      assert.deepStrictEqual(data.destination, { currency: "USD", amount: 1000 })
      assert.closeTo((data.rate * data.source.amount) / 1000, 1, 1e-5)
      assert.match(text, /"rate":0\.000\d{3,6},/)
    })
  )

  it.live("has a rate for every pair of the settings, with a spread in each direction", () =>
    Effect.gen(function* () {
      const { baseUrl, requests } = yield* listen()
      const { pairs } = yield* Settings
      for (const { from, to } of pairs.all) {
        const there = yield* quote(baseUrl, from, to)
        const back = yield* quote(baseUrl, to, from)
        assert.strictEqual(there.convention, "direct")
        const round = BigDecimal.multiply(there.rate, back.rate)
        assert.isTrue(BigDecimal.isLessThan(round, BigDecimal.make(1n, 0)), `${from}:${to}`)
      }
      assert.strictEqual(pairs.all.length, 44)
      assert.strictEqual(yield* requests, 88)
    }).pipe(Effect.provide(TestSettings.layer()))
  )

  it.live("gives the same rates for the same seed, whatever else is asked for", () =>
    Effect.gen(function* () {
      const series = Effect.fnUntraced(function* (seed: string, besides: ReadonlyArray<string>) {
        const { baseUrl } = yield* listen(seed)
        const rates: Array<string> = []
        for (let n = 0; n < 5; n++) {
          for (const to of besides) yield* quote(baseUrl, "EUR", to)
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

  it.live("wants a key, and takes any", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      for (const headers of [
        {},
        { authorization: "" },
        { authorization: "Bearer " },
        { authorization: "Basic eA==" }
      ]) {
        const { status, text } = yield* send(baseUrl + query("USD", "NGN"), { headers })
        assert.deepStrictEqual({ status, text }, refusal(401, "Authorization required"))
      }
      const headers = { authorization: `Bearer ${Sandbox.SECRET_KEY}` }
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"), { headers })).status, 200)
    })
  )

  it.live("refuses what is missing and what it does not know", () =>
    Effect.gen(function* () {
      const { baseUrl } = yield* listen()
      const ask = (search: string) =>
        Effect.map(send(`${baseUrl}/v3/transfers/rates?${search}`), ({ status, text }) => ({ status, text }))
      const good = { amount: "1", source_currency: "USD", destination_currency: "NGN" }
      for (const name of Object.keys(good)) {
        for (const search of [
          Object.entries(good).filter(([key]) => key !== name),
          Object.entries({ ...good, [name]: "" }),
          [...Object.entries(good), [name, "USD"]]
        ]) {
          const text = search.map((entry) => entry.join("=")).join("&")
          assert.deepStrictEqual(yield* ask(text), refusal(400, `${name} is required`), text)
        }
      }
      for (const amount of ["0", "-1", "NaN", "1e999999999", "abc", "9".repeat(19)]) {
        const answer = yield* ask(`${new URLSearchParams({ ...good, amount })}`)
        assert.deepStrictEqual(answer, refusal(400, "amount must be a positive number"), amount)
      }
      for (const to of ["USD", "usd", "ngn", "ISK", "XXX", "__proto__"]) {
        const answer = yield* ask(`${new URLSearchParams({ ...good, destination_currency: to })}`)
        assert.deepStrictEqual(answer, refusal(400, `USD to ${to} is not supported`), to)
      }
      assert.strictEqual((yield* send(`${baseUrl}/v3/transfers`)).status, 404)
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"), { method: "POST" })).status, 404)
    })
  )

  it.live("misbehaves as it is told, for the pairs and as often as it is told, until it is healed", () =>
    Effect.gen(function* () {
      const { baseUrl, clear, order } = yield* listen()
      const tell = (body: unknown) =>
        Effect.map(
          send(`${baseUrl}/faults`, {
            method: "PUT",
            body: JSON.stringify(body),
            // As `curl -d` sends it.
            headers: { "content-type": "application/x-www-form-urlencoded" }
          }),
          ({ status }) => status
        )
      const ask = (to: string) => Effect.map(send(baseUrl + query("USD", to)), ({ status }) => status)

      assert.strictEqual(yield* tell({ fault: "500", pairs: ["USD:NGN", "USD:GHS"], times: 3 }), 204)
      assert.deepStrictEqual(
        yield* Effect.forEach(["NGN", "KES", "GHS", "NGN", "NGN", "GHS"], ask),
        [500, 200, 500, 500, 200, 200]
      )
      assert.strictEqual(yield* tell({ fault: "502" }), 204)
      assert.deepStrictEqual(yield* Effect.forEach(["NGN", "KES", "GHS"], ask), [502, 502, 502])
      assert.strictEqual(yield* tell({ fault: "429", times: 1 }), 204)
      assert.deepStrictEqual(yield* Effect.forEach(["NGN", "KES"], ask), [429, 200])

      yield* order({ fault: "500" })
      for (const wrong of [
        { fault: "501" },
        {},
        { fault: "502", times: 0 },
        { fault: "502", pairs: "USD:NGN" },
        1
      ]) {
        assert.strictEqual(yield* tell(wrong), 400, JSON.stringify(wrong))
      }
      assert.strictEqual(yield* ask("NGN"), 500)
      assert.strictEqual((yield* send(`${baseUrl}/faults`, { method: "DELETE" })).status, 204)
      assert.strictEqual(yield* ask("NGN"), 200)
      yield* order({ fault: "500" })
      yield* clear
      assert.strictEqual(yield* ask("NGN"), 200)
    })
  )

  it.live("is gone with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { baseUrl } = yield* Scope.provide(listen(), scope)
      assert.strictEqual((yield* send(baseUrl + query("USD", "NGN"))).status, 200)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => fetch(baseUrl)))))
    })
  )
})

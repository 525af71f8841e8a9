import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"

const send = (url: string, body: string, headers: Record<string, string>) =>
  Effect.promise(async () => {
    const response = await fetch(url, { method: "POST", body, headers })
    return { status: response.status, headers: response.headers, json: JSON.parse(await response.text()) }
  })

const connect = Effect.gen(function* () {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  const token = (form: Record<string, string>) =>
    send(`${sandbox.baseUrl}/v4/token`, new URLSearchParams(form).toString(), {
      "content-type": "application/x-www-form-urlencoded"
    })
  const credentials = { client_id: "id", client_secret: "secret", grant_type: "client_credentials" }
  const { json } = yield* token(credentials)
  const bearer: string = json.access_token
  const quote = (
    request: {
      readonly from?: string
      readonly to?: string
      readonly amount?: unknown
      readonly precision?: number
    } = {},
    headers: Record<string, string> = {}
  ) =>
    send(
      `${sandbox.baseUrl}/v4/transfers/rates`,
      JSON.stringify({
        source: { currency: request.from ?? "USD" },
        destination: { currency: request.to ?? "NGN", amount: request.amount ?? "1000000" },
        ...(request.precision === undefined ? {} : { precision: request.precision })
      }),
      { authorization: `Bearer ${bearer}`, "content-type": "application/json", ...headers }
    )
  return { sandbox, token, credentials, quote }
})

describe("FlutterwaveV4Sandbox", () => {
  it.live("issues tokens for 600 seconds to any client with credentials", () =>
    Effect.gen(function* () {
      const { credentials, token } = yield* connect
      const { json, status } = yield* token(credentials)
      assert.strictEqual(status, 200)
      assert.deepInclude(json, { expires_in: 600, token_type: "Bearer" })
      for (const name of ["client_id", "client_secret", "grant_type"]) {
        assert.strictEqual((yield* token({ ...credentials, [name]: "" })).status, 401, name)
      }
    })
  )

  it.live("returns strings in the requested precision, with the rates of v3", () =>
    Effect.gen(function* () {
      const { quote, sandbox } = yield* connect
      const { headers, json, status } = yield* quote({ precision: 9 })
      assert.strictEqual(status, 201)
      assert.strictEqual(headers.get(Sandbox.HEADER), "true")
      const { data } = json
      assert.match(data.rate, /^0\.000\d{6}$/)
      assert.match(data.source.amount, /^\d{3}\.\d{9}$/)
      assert.deepStrictEqual(data.destination, { amount: "1000000", currency: "NGN" })
      assert.closeTo(1_000_000 / Number(data.source.amount), 1528, 31)
      assert.closeTo(Number(data.rate) * 1_000_000, Number(data.source.amount), 0.001)
      assert.match((yield* quote({ from: "NGN", to: "USD" })).json.data.rate, /^\d{4}\.\d{6}$/)
      assert.strictEqual(yield* sandbox.requestsTo("flutterwave-v4"), 2)
      assert.strictEqual(yield* sandbox.requests, 0)
    })
  )

  it.live("replays the response for the same idempotency key", () =>
    Effect.gen(function* () {
      const { quote } = yield* connect
      const key = { "x-idempotency-key": "0123456789ab" }
      const first = yield* quote({}, key)
      const replay = yield* quote({}, key)
      assert.deepStrictEqual(replay.json, first.json)
      assert.deepStrictEqual(
        [first, replay].map(({ headers }) => headers.get("x-idempotency-cache-hit")),
        [null, "true"]
      )
      const other = yield* quote({}, { "x-idempotency-key": "0123456789ac" })
      assert.notDeepEqual(other.json, first.json)
      assert.strictEqual((yield* quote({ to: "KES" }, key)).json.error.code, "10409")
      assert.strictEqual((yield* quote({}, { "x-idempotency-key": "short" })).json.error.code, "10400")
    })
  )

  it.live("rejects invalid requests with their error codes", () =>
    Effect.gen(function* () {
      const { quote } = yield* connect
      const code = (response: ReturnType<typeof quote>) =>
        Effect.map(response, ({ json, status }) => [status, json.error.code])
      assert.deepStrictEqual(yield* code(quote({}, { authorization: "Bearer other" })), [401, "10401"])
      assert.deepStrictEqual(yield* code(quote({}, { authorization: "" })), [401, "10401"])
      assert.deepStrictEqual(yield* code(quote({ amount: 1000 })), [400, "10400"])
      assert.deepStrictEqual(yield* code(quote({ amount: "0" })), [400, "10400"])
      assert.deepStrictEqual(yield* code(quote({ to: "XXX" })), [422, "10422"])
    })
  )

  it.live("responds with injected faults", () =>
    Effect.gen(function* () {
      const { quote, sandbox } = yield* connect
      const provider = "flutterwave-v4"
      for (const [fault, status, code] of [
        ["expired", 401, "10401"],
        ["429", 429, "10429"],
        ["500", 500, "10500"]
      ] as const) {
        yield* sandbox.injectFault({ provider, fault, times: 1 })
        const response = yield* quote()
        assert.deepStrictEqual([response.status, response.json.error.code], [status, code])
        assert.strictEqual((yield* quote()).status, 201)
      }
      yield* sandbox.injectFault({ provider, fault: "inverse-amounts" })
      const { data } = (yield* quote({ amount: "1000" })).json
      assert.closeTo(Number(data.source.amount), 1_528_000, 31_000)
      yield* sandbox.injectFault({ provider, fault: "frozen" })
      const frozen = (yield* quote()).json.data.rate
      assert.strictEqual((yield* quote()).json.data.rate, frozen)
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "../../../src/client/promise/Connect.ts"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import * as ScriptedServer from "../../support/ScriptedServer.ts"
import { eventually } from "../../support/Waiters.ts"

const { json, problem, reset, silence } = ScriptedServer

const rate = {
  from: "USD",
  to: "NGN",
  rate: "1534.5",
  rate_id: "r-1",
  fetched_at: "2026-11-21T03:27:17.086Z"
}
const converted = { audit_id: "a-1", output_amount: "767250.00", converted_at: "2026-11-21T03:27:18.000Z" }
const request = { amount: "500.00", from: "USD", to: "NGN" } as const

/** Returns the error of a call. */
const errorOf = (call: Promise<unknown>) =>
  Effect.promise(async () => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    assert.instanceOf(error, EffexError)
    return error
  })

const makeController = () => new AbortController()

const keysOf = (requests: ReadonlyArray<ScriptedServer.ReceivedRequest>) =>
  requests.map(({ headers }) => String(headers["idempotency-key"]))

describe("connect: calls", () => {
  it.live("decode responses, and keep fields of later servers", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(
        json(200, { ...rate, quoted_at: rate.fetched_at, new_field: [{ a_b: 1 }] })
      )
      const effex = connect(`${url}/`, { apiKey: "efx_test_1" })
      const found = yield* Effect.promise(() => effex.rate("usd", "NGN", { maxAge: "60 seconds" }))
      assert.deepStrictEqual<unknown>(found, {
        from: "USD",
        to: "NGN",
        rate: "1534.5",
        rateId: "r-1",
        fetchedAt: new Date(rate.fetched_at),
        quotedAt: new Date(rate.fetched_at),
        newField: [{ aB: 1 }]
      })
      assert.strictEqual(requests[0]?.path, "/api/v1/rates?from=usd&to=NGN&max_age=60000+millis")
      assert.strictEqual(requests[0]?.headers.authorization, "Bearer efx_test_1")
    }).pipe(Effect.scoped)
  )

  it.live("retry a conversion with one automatic key after 503, 429 and a lost connection", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(
        problem(503, "store-unavailable", true),
        problem(429, "rate-limited", true, { "retry-after": "0" }),
        reset,
        json(200, converted)
      )
      const conversion = yield* Effect.promise(() => connect(url).convert(request))
      assert.strictEqual(conversion.outputAmount, "767250.00")
      const keys = keysOf(requests)
      assert.lengthOf(keys, 4)
      assert.match(keys[0] ?? "", /^[0-9a-f]{32}$/)
      assert.deepStrictEqual(new Set(keys).size, 1)
      assert.deepStrictEqual(JSON.parse(requests[3]?.body ?? ""), {
        amount: "500.00",
        from_currency: "USD",
        to_currency: "NGN"
      })
    }).pipe(Effect.scoped)
  )

  it.live("use a new automatic key for each conversion, and the key of the caller", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(json(200, converted))
      const effex = connect(url)
      yield* Effect.promise(async () => {
        await effex.convert(request)
        await effex.convert(request)
        await effex.convert({ ...request, idempotencyKey: "order-1042" })
      })
      const keys = keysOf(requests)
      assert.notStrictEqual(keys[0], keys[1])
      assert.strictEqual(keys[2], "order-1042")
    }).pipe(Effect.scoped)
  )

  it.live("do not invite a second conversion when the outcome is unknown", () =>
    Effect.gen(function* () {
      for (const script of [[reset], [reset, problem(429, "rate-limited", true, { "retry-after": "999" })]]) {
        const { requests, url } = yield* ScriptedServer.listen(...script)
        const automatic = yield* errorOf(connect(url, { timeout: "60 seconds" }).convert(request))
        assert.deepInclude(automatic, {
          sent: true,
          retryable: false,
          idempotencyKey: keysOf(requests)[0] ?? ""
        })
        assert.include(automatic.message, `idempotencyKey: "${automatic.idempotencyKey}"`)
      }
      const { url } = yield* ScriptedServer.listen(reset)
      const keyed = yield* errorOf(connect(url).convert({ ...request, idempotencyKey: "order-1" }))
      assert.deepInclude(keyed, {
        code: "unreachable",
        sent: true,
        retryable: true,
        idempotencyKey: "order-1"
      })
    }).pipe(Effect.scoped)
  )

  it.live("do not retry what is not retryable, nor a quote whose first request may have arrived", () =>
    Effect.gen(function* () {
      const refused = yield* ScriptedServer.listen(problem(422, "unsupported-pair", false))
      assert.strictEqual((yield* errorOf(connect(refused.url).rate("USD", "EUR"))).code, "unsupported-pair")
      assert.lengthOf(refused.requests, 1)
      const lost = yield* ScriptedServer.listen(reset)
      assert.strictEqual((yield* errorOf(connect(lost.url).createQuote(request))).code, "unreachable")
      assert.lengthOf(lost.requests, 1)
    }).pipe(Effect.scoped)
  )

  it.live("fail at once if Retry-After ends after the timeout", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(
        problem(429, "rate-limited", true, { "retry-after": "3600" })
      )
      const error = yield* errorOf(connect(url).rates())
      assert.deepInclude(error, { code: "rate-limited", status: 429, retryAfterMillis: 3_600_000 })
      assert.lengthOf(requests, 1)
    }).pipe(Effect.scoped)
  )

  it.live("give every error a trace id: of the problem, of the response, or of the request", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(
        json(404, { code: "not-found", retryable: false, trace_id: "t-1" }),
        json(404, { code: "not-found", retryable: false }, { "x-request-id": "t-2" }),
        json(404, {}),
        silence
      )
      const effex = connect(url)
      assert.strictEqual((yield* errorOf(effex.rates())).traceId, "t-1")
      assert.strictEqual((yield* errorOf(effex.rates())).traceId, "t-2")
      const assertOfRequest = (traceId: string | undefined, index: number) => {
        assert.match(traceId ?? "", /^[0-9a-f]{32}$/)
        assert.strictEqual(traceId, requests[index]?.headers["x-request-id"])
      }
      assertOfRequest((yield* errorOf(effex.rates())).traceId, 2)
      const controller = makeController()
      const aborted = effex.rates(undefined, { signal: controller.signal })
      yield* eventually("request", () => requests.length === 4 || undefined)
      controller.abort()
      assertOfRequest((yield* errorOf(aborted)).traceId, 3)
    }).pipe(Effect.scoped)
  )

  it.live("name a server that is not effex, and a redirect", () =>
    Effect.gen(function* () {
      const { url } = yield* ScriptedServer.listen(
        (response) => response.end("<h1>It works</h1>"),
        json(200, { hello: "world" }),
        (response) => response.writeHead(404).end("<h1>Not found</h1>"),
        (response) => response.writeHead(301, { location: "https://fx.example/" }).end()
      )
      const effex = connect(url)
      for (const [status, text] of [
        [200, "did not respond like an effex server"],
        [200, "did not respond like an effex server"],
        [404, "responded with status 404"],
        [301, "redirects to https://fx.example/"]
      ] as const) {
        const error = yield* errorOf(effex.convert(request))
        assert.deepInclude(error, { code: "unexpected-response", status, retryable: false })
        assert.include(error.message, text)
      }
    }).pipe(Effect.scoped)
  )

  it.live("end with their signal, their timeout, or the client", () =>
    Effect.gen(function* () {
      const { url } = yield* ScriptedServer.listen(silence)
      const effex = connect(url)
      const controller = makeController()
      const aborted = errorOf(effex.rate("USD", "NGN", { signal: controller.signal }))
      controller.abort(new Error("left"))
      assert.deepInclude(yield* aborted, { code: "aborted", status: 0, retryable: false, sent: true })
      const late = yield* errorOf(effex.rates(undefined, { signal: controller.signal }))
      assert.deepInclude(late, { code: "aborted", sent: false })
      assert.deepInclude(late.cause, { message: "left" })
      const timeout = yield* errorOf(effex.rates(undefined, { timeout: "100 millis" }))
      assert.deepInclude(timeout, { code: "timeout", retryable: true })
      const pending = errorOf(effex.rates())
      yield* Effect.promise(() => effex.close())
      assert.deepInclude(yield* pending, { code: "closed", sent: true })
      assert.deepInclude(yield* errorOf(effex.rates()), { code: "closed", sent: false })
    }).pipe(Effect.scoped)
  )

  it.live("read all pages of a list, or one", () =>
    Effect.gen(function* () {
      const { requests, url } = yield* ScriptedServer.listen(
        json(200, { data: [converted], has_more: true, next: "c2" }),
        json(200, { data: [{ ...converted, audit_id: "a-2" }], has_more: false, next: null })
      )
      const effex = connect(url)
      const list = effex.conversions({ since: "2026-11-21", pageSize: 1 })
      const ids = yield* Effect.promise(async () => {
        const ids: Array<string> = []
        for await (const { auditId } of list) ids.push(auditId)
        return ids
      })
      assert.deepStrictEqual(ids, ["a-1", "a-2"])
      assert.deepStrictEqual(
        requests.map(({ path }) => path),
        ["", "&cursor=c2"].map(
          (cursor) => `/api/v1/audit/conversions?since=2026-11-21T00%3A00%3A00.000Z&page_size=1${cursor}`
        )
      )
      const { data, next } = yield* Effect.promise(() => list.page("c2"))
      assert.deepStrictEqual([data[0]?.convertedAt, next], [new Date(converted.converted_at), undefined])
    }).pipe(Effect.scoped)
  )
})

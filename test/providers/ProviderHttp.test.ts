import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { HttpClientRequest } from "effect/http"
import type { ServerResponse } from "node:http"
import { ofStatus, ProviderError } from "../../src/providers/ProviderError.ts"
import * as ProviderHttp from "../../src/providers/ProviderHttp.ts"
import type { RateSource } from "../../src/providers/RateSource.ts"
import { rendered } from "../config/RenderedValue.ts"
import { tick } from "../support/RateTicks.ts"
import * as StubServer from "./StubServer.ts"
import { connect } from "./ProviderTestClient.ts"

const withFallback = { PROVIDERS: "flutterwave,frankfurter" }

describe("A provider with a fallback", () => {
  /** A server that handles the first requests as given, and hangs on the others. */
  const hanging = Effect.fnUntraced(function* (...first: ReadonlyArray<(response: ServerResponse) => void>) {
    let requests = 0
    const baseUrl = yield* StubServer.listen((_, response) => first[requests++]?.(response))
    const client = yield* connect(baseUrl, withFallback)
    return { ...client, failure: Effect.flip(client.rateFromHanging(Effect.sync(() => requests))) }
  })

  it.effect("times out after ten seconds in total", () =>
    Effect.gen(function* () {
      const { failure, sentAt } = yield* hanging()
      const error = yield* failure
      assert.strictEqual(
        error.message,
        "flutterwave returned no rate for USD:NGN: no response (timeout after 10s)"
      )
      assert.strictEqual(sentAt.length, 1)
    })
  )

  it.effect("reports its last failure at the timeout", () =>
    Effect.gen(function* () {
      const { failure, sentAt } = yield* hanging((response: ServerResponse) =>
        response.writeHead(502).end("Bad Gateway")
      )
      assert.deepInclude((yield* failure).reason, { _tag: "Failing", status: 502 })
      assert.strictEqual(sentAt.length, 2)
    })
  )

  it.effect("opens the circuit after five timeouts", () =>
    Effect.gen(function* () {
      const { failure, sentAt } = yield* hanging()
      for (let call = 0; call < 5; call++) assert.strictEqual((yield* failure).reason._tag, "Unreachable")
      assert.strictEqual((yield* failure).reason._tag, "CircuitOpen")
      assert.strictEqual(sentAt.length, 5)
    })
  )

  it.effect("waits for a Retry-After of five seconds, but not longer", () =>
    Effect.gen(function* () {
      let retryAfter = 5
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": String(retryAfter++) }).end()
      )
      const client = yield* connect(baseUrl, withFallback)
      const error = yield* Effect.flip(client.rate())
      assert.deepStrictEqual([error.reason._tag, client.sentAt], ["RateLimited", [0, 5000]])
    })
  )

  it.effect("does not count request spacing towards the timeout", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((request, response) => {
        const { from, to } = StubServer.parseQuery(request)
        response.end(StubServer.quotation(from, to, 1_000_000, 651.5, 1534.92))
      })
      const client = yield* connect(baseUrl, { ...withFallback, POLL_SPACING: "11 seconds" })
      const requests = ["NGN", "KES", "GHS"].map((to) => client.requestRate("USD", to))
      yield* client.settle(Effect.all(requests, { concurrency: "unbounded" }))
      assert.deepStrictEqual(client.sentAt, [0, 11_000, 22_000])
    })
  )

  it.effect("has the full timeout when it is last or alone", () =>
    Effect.gen(function* () {
      for (const PROVIDERS of ["flutterwave", "frankfurter,flutterwave"]) {
        let requests = 0
        const baseUrl = yield* StubServer.listen(() => requests++)
        const client = yield* connect(baseUrl, { PROVIDERS })
        const error = yield* Effect.flip(client.rateFromHanging(Effect.sync(() => requests)))
        assert.include(error.message, "timeout after 30s")
        assert.strictEqual(requests, 3)
      }
    })
  )
})

describe("A redirect", () => {
  it.effect.each([301, 302, 303, 307, 308])(
    "with status %i names the new address and is not followed",
    (status) =>
      Effect.gen(function* () {
        const locations = [
          ["https://api.example.com/v4/rates?secret_key=key&from=USD#top", "api.example.com/v4/rates"],
          ["https://user:password@api.example.com:8443/", "api.example.com:8443/"],
          ["/v4/rates", "127.0.0.1:PORT/v4/rates"],
          ["//api.example.com", "api.example.com/"],
          ["https://[", "an invalid URL"],
          [`https://api.example.com/${"a".repeat(500)}`, `api.example.com/${"a".repeat(104)}`]
        ] as const
        for (const [location, target] of locations) {
          let requests = 0
          const baseUrl = yield* StubServer.listen((_, response) => {
            requests++
            response.writeHead(status, { location }).end("moved")
          })
          const client = yield* connect(baseUrl)
          const { message } = yield* Effect.flip(client.rate())
          const expected = target.replace("PORT", new URL(baseUrl).port)
          assert.strictEqual(
            message,
            `flutterwave returned no rate for USD:NGN: request rejected with status ${status} (redirected to ${expected}; redirects are not followed, so set the new address)`
          )
          assert.strictEqual(requests, 1)
        }
      })
  )
})

describe("An API key in the query", () => {
  const KEY = "s3cr+t/k=y&0123456789"

  it.effect.each([200, 302, 400, 429, 500])(
    "stays secret when the server echoes it with status %i",
    (status) =>
      Effect.gen(function* () {
        let received = ""
        const baseUrl = yield* StubServer.listen((request, response) => {
          const { searchParams } = new URL(request.url ?? "", "http://localhost")
          received = searchParams.get("access_key") ?? ""
          const body = `${request.url} ${received} ${searchParams.toString()} ${encodeURIComponent(received)}`
          response.writeHead(status, { location: `/${encodeURIComponent(received)}` }).end(body)
        })
        const source = Effect.gen(function* () {
          const http = yield* ProviderHttp.make({ name: "fixer", secrets: [] })
          const request = HttpClientRequest.get(`${baseUrl}/latest`).pipe(
            HttpClientRequest.setUrlParam("access_key", Redacted.make(KEY))
          )
          const rate: RateSource["Service"]["rate"] = (pair) =>
            http
              .call(Effect.succeed(request), (response) =>
                response.status === 200
                  ? Effect.map(tick(pair.from, pair.to, "1500"), (rate) => ({ ...rate, raw: response.body }))
                  : Effect.fail(ofStatus(response, response.body))
              )
              .pipe(Effect.mapError((reason) => new ProviderError({ provider: "fixer", pair, reason })))
          return { name: "fixer", rate }
        })
        const client = yield* connect(baseUrl, {}, source)
        const logged = client.rate().pipe(
          Effect.tap(({ raw }) => Effect.logInfo(raw)),
          Effect.tapCause((cause) => Effect.logError("failed", cause)),
          Effect.withSpan("test")
        )
        const result = yield* Effect.result(client.withTelemetry(logged))
        assert.strictEqual(received, KEY)
        assert.isNotEmpty(client.logs)
        assert.include(client.exportedSpans(), "/latest")
        for (const secret of [
          KEY,
          encodeURIComponent(KEY),
          new URLSearchParams([["", KEY]]).toString().slice(1)
        ]) {
          assert.notInclude(rendered(Result.merge(result)), secret)
          assert.notInclude(client.logs.join("\n"), secret)
          assert.notInclude(client.exportedSpans(), secret)
        }
      })
  )
})

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
import { connect } from "./flutterwave/WatchedClient.ts"

const followed = { PROVIDERS: "flutterwave,frankfurter" }

describe("A provider with another one behind it", () => {
  const hanging = Effect.fnUntraced(function* (...first: ReadonlyArray<(response: ServerResponse) => void>) {
    let seen = 0
    const baseUrl = yield* StubServer.listen((_, response) => first[seen++]?.(response))
    const client = yield* connect(baseUrl, followed)
    return { ...client, fails: Effect.flip(client.rateAlthough(Effect.sync(() => seen))) }
  })

  it.effect("has ten seconds in all", () =>
    Effect.gen(function* () {
      const { fails, sentAt } = yield* hanging()
      const error = yield* fails
      assert.strictEqual(
        error.message,
        "flutterwave gave no rate for USD:NGN: no answer (nothing within 10s)"
      )
      assert.strictEqual(sentAt.length, 1)
    })
  )

  it.effect("is said to have failed as it did when they are over", () =>
    Effect.gen(function* () {
      const { fails, sentAt } = yield* hanging((response: ServerResponse) =>
        response.writeHead(502).end("Bad Gateway")
      )
      assert.deepInclude((yield* fails).reason, { _tag: "Failing", status: 502 })
      assert.strictEqual(sentAt.length, 2)
    })
  )

  it.effect("opens its circuit by hanging", () =>
    Effect.gen(function* () {
      const { fails, sentAt } = yield* hanging()
      for (let call = 0; call < 5; call++) assert.strictEqual((yield* fails).reason._tag, "Unreachable")
      assert.strictEqual((yield* fails).reason._tag, "CircuitOpen")
      assert.strictEqual(sentAt.length, 5)
    })
  )

  it.effect("is waited for five seconds at most where it asks for more", () =>
    Effect.gen(function* () {
      let wait = 5
      const baseUrl = yield* StubServer.listen((_, response) =>
        response.writeHead(429, { "retry-after": String(wait++) }).end()
      )
      const client = yield* connect(baseUrl, followed)
      const error = yield* Effect.flip(client.rate())
      assert.deepStrictEqual([error.reason._tag, client.sentAt], ["RateLimited", [0, 5000]])
    })
  )

  it.effect("loses none of its time by waiting for a turn", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((request, response) => {
        const { from, to } = StubServer.question(request)
        response.end(StubServer.quotation(from, to, 1_000_000, 651.5, 1534.92))
      })
      const client = yield* connect(baseUrl, { ...followed, POLL_SPACING: "20 seconds" })
      const asks = ["NGN", "KES", "GHS"].map((to) => client.ask("USD", to))
      yield* client.settle(Effect.all(asks, { concurrency: "unbounded" }))
      assert.deepStrictEqual(client.sentAt, [0, 20_000, 40_000])
    })
  )

  it.effect("has all its time again where it comes last, or alone", () =>
    Effect.gen(function* () {
      for (const PROVIDERS of ["flutterwave", "frankfurter,flutterwave"]) {
        let seen = 0
        const baseUrl = yield* StubServer.listen(() => seen++)
        const client = yield* connect(baseUrl, { PROVIDERS })
        const error = yield* Effect.flip(client.rateAlthough(Effect.sync(() => seen)))
        assert.include(error.message, "nothing within 30s")
        assert.strictEqual(seen, 3)
      }
    })
  )
})

describe("A key in the query", () => {
  const KEY = "s3cr+t/k=y&0123456789"

  it.effect.each([200, 302, 400, 429, 500])(
    "is shown nowhere by a server that repeats it with %i",
    (status) =>
      Effect.gen(function* () {
        let received = ""
        const baseUrl = yield* StubServer.listen((request, response) => {
          const { searchParams } = new URL(request.url ?? "", "http://localhost")
          received = searchParams.get("access_key") ?? ""
          const body = `${request.url} ${received} ${searchParams.toString()} ${encodeURIComponent(received)}`
          response.writeHead(status, { location: "/elsewhere" }).end(body)
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
                  ? Effect.map(tick(pair.from, pair.to, "1500"), (made) => ({ ...made, raw: response.body }))
                  : Effect.fail(ofStatus(response, response.body))
              )
              .pipe(Effect.mapError((reason) => new ProviderError({ provider: "fixer", pair, reason })))
          return { name: "fixer", rate }
        })
        const client = yield* connect(baseUrl, {}, source)
        const said = client.rate().pipe(
          Effect.tap((made) => Effect.logInfo(made.raw)),
          Effect.tapCause((cause) => Effect.logError("failed", cause)),
          Effect.withSpan("test")
        )
        const result = yield* Effect.result(client.watched(said))
        assert.strictEqual(received, KEY)
        assert.isNotEmpty(client.logs)
        assert.include(client.traced(), "/latest")
        for (const secret of [
          KEY,
          encodeURIComponent(KEY),
          new URLSearchParams([["", KEY]]).toString().slice(1)
        ]) {
          assert.notInclude(rendered(Result.merge(result)), secret)
          assert.notInclude(client.logs.join("\n"), secret)
          assert.notInclude(client.traced(), secret)
        }
      })
  )
})

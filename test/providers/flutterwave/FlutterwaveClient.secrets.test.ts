import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { rendered } from "../../config/RenderedValue.ts"
import * as StubServer from "../StubServer.ts"
import { connect, SECRET_KEY } from "../ProviderTestClient.ts"

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const key = (request: IncomingMessage) => request.headers.authorization ?? ""
const error = (request: IncomingMessage) =>
  JSON.stringify({ status: "error", message: `Invalid key: ${key(request)}`, data: null })
const success = (request: IncomingMessage, rate: unknown = 114.9885, to = "USD") =>
  JSON.stringify({
    status: "success",
    message: `Hello, ${key(request)}`,
    data: {
      rate,
      source: { currency: "KES", amount: 114_988_500 },
      destination: { currency: to, amount: 1_000_000 }
    }
  })

/** Servers that echo the key, and the outcome. */
const servers: ReadonlyArray<readonly [string, Handler, string]> = [
  ["a rate", (request, response) => response.end(success(request)), "success"],
  ["a rejection", (request, response) => response.writeHead(401).end(error(request)), "Refused"],
  ["a rejection in plain text", (request, response) => response.writeHead(400).end(key(request)), "Refused"],
  ["a failure", (request, response) => response.writeHead(500).end(error(request)), "Failing"],
  ["no rates", (request, response) => response.end(error(request)), "Failing"],
  ["a web page", (request, response) => response.end(`<p>${key(request)}</p>`), "Malformed"],
  [
    "another currency",
    (request, response) => response.end(success(request, 114.9885, key(request))),
    "Contradictory"
  ],
  ["another rate", (request, response) => response.end(success(request, key(request))), "Contradictory"],
  [
    "a redirect",
    (request, response) => response.writeHead(302, { location: `/?${key(request)}` }).end(),
    "Refused"
  ],
  [
    "too many requests",
    (request, response) => response.writeHead(429, { "retry-after": key(request) }).end(),
    "RateLimited"
  ],
  ["a broken connection", (_, response) => response.destroy(), "Unreachable"]
]

describe("FlutterwaveClient, secret key", () => {
  it.effect.each(servers)("keeps the key out of results, logs and spans: %s", ([, handler, outcome]) =>
    Effect.gen(function* () {
      let received = ""
      const baseUrl = yield* StubServer.listen((request, response) => {
        received = key(request)
        handler(request, response)
      })
      const client = yield* connect(baseUrl)
      const logged = client.rate("KES", "USD").pipe(
        Effect.tapCause((cause) => Effect.logError("failed", cause)),
        Effect.withSpan("test")
      )
      const result = yield* Effect.result(client.withTelemetry(logged))
      assert.strictEqual(received, `Bearer ${SECRET_KEY}`)
      assert.strictEqual(Result.isSuccess(result) ? "success" : result.failure.reason._tag, outcome)
      assert.notInclude(rendered(Result.merge(result)), SECRET_KEY)
      assert.isNotEmpty(client.logs)
      assert.notInclude(client.logs.join("\n"), SECRET_KEY)
      assert.include(client.exportedSpans(), "KES:USD")
      assert.notInclude(client.exportedSpans(), SECRET_KEY)
    })
  )

  it.effect("does not redact placeholder keys in responses", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((request, response) => response.end(success(request)))
      for (const placeholder of ["1", "success", "test", "KES"]) {
        const client = yield* connect(baseUrl, { FLUTTERWAVE_SECRET_KEY: placeholder })
        assert.include((yield* client.rate("KES", "USD")).raw, `Hello, Bearer ${placeholder}`)
      }
    })
  )
})

import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { rendered } from "../../config/RenderedValue.ts"
import * as StubServer from "../StubServer.ts"
import { connect, SECRET_KEY } from "./WatchedClient.ts"

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

/** Servers that repeat what they were sent, and what that comes to. */
const servers: ReadonlyArray<readonly [string, Handler, string]> = [
  ["a rate", (request, response) => response.end(success(request)), "success"],
  ["a refusal", (request, response) => response.writeHead(401).end(error(request)), "Refused"],
  ["a refusal in plain text", (request, response) => response.writeHead(400).end(key(request)), "Refused"],
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
    "a redirection",
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

describe("FlutterwaveClient and its key", () => {
  it.effect.each(servers)("shows it nowhere: %s", ([, handler, outcome]) =>
    Effect.gen(function* () {
      let received = ""
      const baseUrl = yield* StubServer.listen((request, response) => {
        received = key(request)
        handler(request, response)
      })
      const client = yield* connect(baseUrl)
      const asked = client.rate("KES", "USD").pipe(
        Effect.tapCause((cause) => Effect.logError("failed", cause)),
        Effect.withSpan("test")
      )
      const result = yield* Effect.result(client.watched(asked))
      assert.strictEqual(received, `Bearer ${SECRET_KEY}`)
      assert.strictEqual(Result.isSuccess(result) ? "success" : result.failure.reason._tag, outcome)
      assert.notInclude(rendered(Result.merge(result)), SECRET_KEY)
      assert.isNotEmpty(client.logs)
      assert.notInclude(client.logs.join("\n"), SECRET_KEY)
      assert.include(client.traced(), "KES:USD")
      assert.notInclude(client.traced(), SECRET_KEY)
    })
  )

  it.effect("leaves what stands for a key alone in what is answered", () =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((request, response) => response.end(success(request)))
      for (const stand of ["1", "success", "test", "KES"]) {
        const client = yield* connect(baseUrl, { FLUTTERWAVE_SECRET_KEY: stand })
        assert.include((yield* client.rate("KES", "USD")).raw, `Hello, Bearer ${stand}`)
      }
    })
  )
})

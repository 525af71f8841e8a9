import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { ServerResponse } from "node:http"
import * as Sandbox from "../../../src/providers/sandbox/Sandbox.ts"
import { FlutterwaveFault } from "../../../src/providers/sandbox/SandboxFaults.ts"
import * as StubServer from "../StubServer.ts"
import { realSleep, connect } from "../ProviderTestClient.ts"

const connectSandbox = Effect.gen(function* () {
  const sandbox = yield* Sandbox.listen({ host: "127.0.0.1", port: 0 })
  return { sandbox, client: yield* connect(sandbox.baseUrl) }
})

/** Reason and number of requests for each fault. "hang" has its own test. */
const outcomes: Readonly<
  Record<Exclude<FlutterwaveFault, "hang">, readonly [reason: string, requests: number]>
> = {
  "429": ["RateLimited", 3],
  "500": ["Failing", 3],
  "502": ["Failing", 3],
  unavailable: ["Failing", 3],
  inverse: ["", 1],
  // Consistent responses: only a comparison with other rates reveals the error.
  "inverse-amounts": ["", 1],
  jump: ["", 1],
  frozen: ["", 1],
  contradiction: ["Contradictory", 1],
  "other-currency": ["Contradictory", 1],
  zero: ["Contradictory", 1],
  negative: ["Contradictory", 1],
  nan: ["Contradictory", 1],
  truncated: ["Malformed", 3],
  html: ["Malformed", 3],
  oversized: ["Malformed", 3]
}

describe("FlutterwaveClient, faults", () => {
  it.effect.each(Object.entries(outcomes))("handles the fault %s", ([fault, [reason, requests]]) =>
    Effect.gen(function* () {
      const { client, sandbox } = yield* connectSandbox
      yield* sandbox.injectFault({
        fault: FlutterwaveFault.literals.find((literal) => literal === fault) ?? assert.fail()
      })
      const result = yield* Effect.result(client.rate())
      assert.strictEqual(result._tag === "Failure" ? result.failure.reason._tag : "", reason)
      assert.strictEqual(yield* sandbox.requests, requests)
      assert.strictEqual(client.sentAt.length, requests)
      yield* sandbox.clearFaults
      yield* client.rate()
      assert.strictEqual(yield* sandbox.requests, requests + 1)
    })
  )

  it.effect("retries transient failures with exponential backoff", () =>
    Effect.gen(function* () {
      const { client, sandbox } = yield* connectSandbox
      yield* sandbox.injectFault({ fault: "500", times: 2 })
      yield* client.rate()
      const [first = 0, second = 0, third = 0] = client.sentAt
      assert.isTrue(second - first >= 200 && second - first <= 300, String(client.sentAt))
      assert.isTrue(third - second >= 400 && third - second <= 700, String(client.sentAt))
      assert.strictEqual(yield* client.requests("failing"), 2)
      assert.strictEqual(yield* client.requests("success"), 1)
      yield* sandbox.injectFault({ fault: "429", times: 3 })
      const error = yield* Effect.flip(client.rate())
      assert.strictEqual(error.message, "flutterwave returned no rate for USD:NGN: too many requests")
      assert.strictEqual(yield* client.requests("rate_limited"), 3)
      const [, , , fourth = 0, fifth = 0, sixth = 0] = client.sentAt
      assert.isTrue(fifth - fourth > 999 && sixth - fifth > 999, String(client.sentAt))
    })
  )

  it.effect("times out hanging requests after 30 seconds, three times", () =>
    Effect.gen(function* () {
      const { client, sandbox } = yield* connectSandbox
      yield* sandbox.injectFault({ fault: "hang" })
      const error = yield* client.rateFromHanging(sandbox.requests).pipe(Effect.flip)
      assert.strictEqual(
        error.message,
        "flutterwave returned no rate for USD:NGN: no response (timeout after 30s)"
      )
      const [first = 0, second = 0, third = 0] = client.sentAt
      assert.strictEqual(client.sentAt.length, 3)
      assert.isTrue(second - first >= 30_200 && second - first <= 30_400, String(client.sentAt))
      assert.isTrue(third - second >= 30_400 && third - second <= 30_700, String(client.sentAt))
      yield* sandbox.clearFaults
      yield* client.rate()
    })
  )

  it.effect("times out an endless response after 30 seconds", () =>
    Effect.gen(function* () {
      let requests = 0
      const baseUrl = yield* StubServer.listen((_, response) => {
        requests++
        response.write('{"status":')
      })
      const client = yield* connect(baseUrl)
      const error = yield* client.rateFromHanging(Effect.sync(() => requests)).pipe(Effect.flip)
      assert.deepStrictEqual([error.reason._tag, requests], ["Unreachable", 3])
    })
  )

  it.effect("reports a refused connection", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const baseUrl = yield* StubServer.listen(() => {}).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)
      const client = yield* connect(baseUrl)
      const error = yield* Effect.flip(client.rate())
      assert.strictEqual(
        error.message,
        "flutterwave returned no rate for USD:NGN: no response (ECONNREFUSED)"
      )
      assert.strictEqual(client.sentAt.length, 3)
      assert.strictEqual(yield* client.requests("unreachable"), 3)
    })
  )

  const responses: ReadonlyArray<readonly [string, (response: ServerResponse) => void, string, number]> = [
    ["a closed connection", (response) => response.destroy(), "Unreachable", 3],
    [
      "an incomplete response",
      (response) => response.write('{"status":', () => response.destroy()),
      "Unreachable",
      3
    ],
    ["401 without a body", (response) => response.writeHead(401).end(), "Refused", 1],
    ["500 without a body", (response) => response.writeHead(500).end(), "Failing", 3],
    ["204", (response) => response.writeHead(204).end(), "Malformed", 3],
    ["200 without a body", (response) => response.end(), "Malformed", 3],
    ["a redirect", (response) => response.writeHead(302, { location: "/login" }).end(), "Refused", 1],
    [
      "a forbidden client address",
      (response) => response.writeHead(400).end("Please enable IP Whitelisting"),
      "Refused",
      1
    ],
    ["a body that is not text", (response) => response.end(Buffer.of(0xff, 0xfe, 0)), "Malformed", 3]
  ]
  it.effect.each(responses)("handles %s", ([, respond, reason, requests]) =>
    Effect.gen(function* () {
      const baseUrl = yield* StubServer.listen((_, response) => respond(response))
      const client = yield* connect(baseUrl)
      const error = yield* Effect.flip(client.rate())
      assert.deepStrictEqual([error.reason._tag, client.sentAt.length], [reason, requests])
    })
  )

  it.effect("stops reading an oversized response", () =>
    Effect.gen(function* () {
      let written = 0
      const open = new Set<ServerResponse>()
      const baseUrl = yield* StubServer.listen((_, response) => {
        open.add(response)
        response.on("close", () => open.delete(response))
        const writeMore = () => {
          written += 16_384
          if (!response.destroyed) response.write(Buffer.alloc(16_384, " "), () => setImmediate(writeMore))
        }
        writeMore()
      })
      const client = yield* connect(baseUrl)
      const error = yield* Effect.flip(client.rate())
      assert.include(error.message, "malformed response (more than 65536 bytes)")
      while (open.size > 0) yield* realSleep(5)
      assert.isBelow(written, 3 * 4_000_000)
    })
  )
})

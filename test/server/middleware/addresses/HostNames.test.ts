import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as HostNames from "../../../../src/server/middleware/addresses/HostNames.ts"
import * as RawHttp from "../../../support/RawHttp.ts"
import { TestServer } from "../../../support/TestServer.ts"

describe("HostNames", () => {
  it("knows names that a page of another site cannot have", () => {
    const { isOwn } = HostNames.make(Option.some("https://fx.example.com"))
    for (const host of [
      "fx.example.com",
      "FX.example.com:8000",
      "fx.example.com.",
      "127.0.0.1:8000",
      "[::1]:8000",
      "localhost",
      "effex:8000",
      "app.localhost:3000"
    ])
      assert.isTrue(isOwn(host), host)
    for (const host of [
      "attacker.example",
      "fx.example.com.attacker.example:8000",
      "127.0.0.1.attacker.example",
      "xfx.example.com",
      "a b",
      ""
    ])
      assert.isFalse(isOwn(host), host)
  })

  it("accepts every host without PUBLIC_URL", () => {
    const { isAccepted, isOwn } = HostNames.make(Option.none())
    assert.isTrue(isAccepted("fx.example.com"))
    assert.isFalse(isOwn("fx.example.com"))
  })
})

const LOOKUP = "GET /api/v1/rates?from=USD&to=NGN HTTP/1.1"
const BODY = JSON.stringify({ amount: "1", from_currency: "USD", to_currency: "NGN" })

const statusOf = Effect.fnUntraced(function* (head: string, body = "") {
  const { port } = yield* TestServer
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`
  const { responses } = yield* RawHttp.exchange(port, `${head}\r\nConnection: close\r\n${length}\r\n${body}`)
  return responses[0]?.status
})

layer(TestServer.layer({ PUBLIC_URL: "https://fx.example.com" }), { excludeTestServices: true })(
  "PUBLIC_URL",
  (it) => {
    it.effect("rejects a page that reaches the server under its own name by DNS rebinding", () =>
      Effect.gen(function* () {
        for (const host of ["attacker.example:8000", "attacker.example"]) {
          assert.strictEqual(yield* statusOf(`${LOOKUP}\r\nHost: ${host}`), 403)
          assert.strictEqual(yield* statusOf(`GET /api/v1/audit/conversions HTTP/1.1\r\nHost: ${host}`), 403)
          assert.strictEqual(
            yield* statusOf(`POST /api/v1/convert HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}`, BODY),
            403
          )
        }
      })
    )

    it.effect("serves its own names, and addresses", () =>
      Effect.gen(function* () {
        for (const host of ["fx.example.com", "127.0.0.1:8000", "localhost:8000", "[::1]", "effex"])
          assert.strictEqual(yield* statusOf(`${LOOKUP}\r\nHost: ${host}`), 200, host)
      })
    )
  }
)

layer(TestServer.layer({ CORS_ORIGINS: "https://app.example.com" }), { excludeTestServices: true })(
  "CORS_ORIGINS without PUBLIC_URL",
  (it) => {
    it.effect("does not take the equal Origin and Host of another site for its own page", () =>
      Effect.gen(function* () {
        const convert = (host: string) =>
          statusOf(`POST /api/v1/convert HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}`, BODY)
        assert.strictEqual(yield* convert("attacker.example:8000"), 403)
        assert.strictEqual(yield* convert("localhost:8000"), 200)
      })
    )
  }
)

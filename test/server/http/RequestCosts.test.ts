import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { Api } from "../../../src/api/Api.ts"
import * as RequestCosts from "../../../src/server/http/RequestCosts.ts"
import { get, TestServer } from "../../support/TestServer.ts"

const HISTORY = "/api/v1/rates/history?from=USD&to=NGN"

describe("RequestCosts", () => {
  it("names endpoints of the API", () => {
    const endpoints = Object.values(Api.groups).flatMap(({ endpoints, identifier }) =>
      Object.values(endpoints).map((endpoint) => `${identifier}.${endpoint.identifier}`)
    )
    for (const name of Object.keys(RequestCosts.ENDPOINT_COSTS)) assert.include(endpoints, name)
  })

  it("equals the table of the guide", () => {
    const guide = readFileSync(new URL("../../../docs/access.md", import.meta.url), "utf8")
    const documented = new Map(
      Array.from(
        guide.matchAll(/^\| (.+?) \| (\d+|\d+ \+ .+?) \| `([a-zA-Z]+\.[a-zA-Z]+)` \|$/gm),
        ([, , cost = "", name = ""]) => [name, cost]
      )
    )
    const expected = Object.entries(RequestCosts.ENDPOINT_COSTS)
    assert.deepStrictEqual(
      Array.from(documented.keys()).toSorted(),
      expected.map(([name]) => name).toSorted()
    )
    for (const [name, cost] of expected)
      if (typeof cost === "number") assert.strictEqual(documented.get(name), String(cost), name)
  })
})

layer(TestServer.layer({ TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_READS: "600/hour" }), {
  excludeTestServices: true
})("The cost of a request", (it) => {
  const remaining = (address: string, path: string, accept = "application/json") =>
    Effect.map(
      get(path, { headers: { "x-forwarded-for": address, accept } }),
      ({ headers }) => /r=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1]
    )

  it.effect("depends on the endpoint, the interval, the page size and the format", () =>
    Effect.gen(function* () {
      const cases = [
        ["/api/v1/rates?from=USD&to=NGN", 1],
        ["/api/v1/currencies", 1],
        ["/api/v1/rates/all", 3],
        [HISTORY, 22],
        [`${HISTORY}&page_size=1000`, 40],
        [`${HISTORY}&page_size=999999999`, 22],
        [`${HISTORY}&interval=1h`, 25],
        [`${HISTORY}&interval=1d`, 50],
        [`${HISTORY}&interval=1d&page_size=365`, 385],
        ["/api/v1/rates/as-of?from=USD&to=NGN&at=2020-01-01", 10],
        ["/api/v1/audit/conversions", 7],
        ["/api/v1/audit/conversions?page_size=1000", 45]
      ] as const
      for (const [i, [path, cost]] of cases.entries())
        assert.strictEqual(yield* remaining(`192.0.2.${i}`, path), String(600 - cost), path)
      for (const [i, accept] of ["text/csv", "application/x-ndjson"].entries())
        assert.strictEqual(yield* remaining(`198.51.100.${i}`, HISTORY, accept), "100", accept)
    })
  )

  it.effect("is compared with what remains, which the rejection states", () =>
    Effect.gen(function* () {
      const headers = { "x-forwarded-for": "203.0.113.1" }
      const candles = `${HISTORY}&interval=1d&page_size=365`
      assert.strictEqual((yield* get(candles, { headers })).status, 200)
      const rejected = yield* get(candles, { headers })
      assert.deepInclude(rejected.json, { status: 429, code: "rate-limited" })
      assert.match(
        String(rejected.json["detail"]),
        /^The limit is 600 reads in 1h; this request counts as 385, and 215 remain; retry in \d+ s$/
      )
      // 170 more are needed, one each six seconds.
      const seconds = Number(rejected.headers.get("retry-after"))
      assert.isAtMost(seconds, 1020)
      assert.isAbove(seconds, 900)
      assert.strictEqual(rejected.headers.get("ratelimit"), `"reads";r=215;t=${seconds}`)
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN", { headers })).status, 200)
    })
  )

  it.effect("is at most the limit, so that every request is possible", () =>
    Effect.gen(function* () {
      const headers = { "x-forwarded-for": "203.0.113.2" }
      const verified = yield* get("/api/v1/audit/verify", { headers })
      assert.strictEqual(verified.status, 200)
      assert.match(verified.headers.get("ratelimit") ?? "", /^"reads";r=0;/)
    })
  )
})

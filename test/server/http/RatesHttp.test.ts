import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Settings } from "../../../src/config/Settings.ts"
import { exchange } from "../../support/RawHttp.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { tick } from "../../support/RateTicks.ts"
import { ServerClock, setForward } from "./ServerClock.ts"

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ISO_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

layer(TestServer.layer({ RATE_DESTINATIONS: "NGN,KES,GHS,USD,XOF", MAX_AGE_FLOOR: "0 millis" }), {
  excludeTestServices: true
})("GET /api/v1/rates", (it) => {
  it.effect("returns the documented fields, from the provider first and then from memory", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1534.12345678"))
      const first = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("content-type"), "application/json")
      assert.strictEqual(first.headers.get("x-rate-source"), "provider")
      const { fetched_at, rate_id } = first.json
      assert.match(String(rate_id), UUID_V7)
      assert.match(String(fetched_at), ISO_MILLIS)
      assert.strictEqual(
        first.text,
        `{"from":"USD","to":"NGN","rate":"1534.12345678","rate_id":"${rate_id}","provider":"test","fetched_at":"${fetched_at}","stale":false}`
      )
      yield* provider.respondWith(rate("1"))
      const second = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(second.text, first.text)
      assert.strictEqual(second.headers.get("x-rate-source"), "memory")
    })
  )

  it.effect("formats small, large and whole rates as plain digits", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const rates = [
        ["KES", "0.000694329"],
        ["GHS", "123456789012345678"],
        ["XOF", "0.000000000000000000000000000123"]
      ] as const
      for (const [to, text] of rates) {
        yield* provider.respondWith(rate(text))
        const response = yield* get(`/api/v1/rates?from=CAD&to=${to}`)
        assert.strictEqual(response.json["rate"], text)
      }
      yield* provider.respondWith(rate("1500.500"))
      assert.strictEqual((yield* get("/api/v1/rates?from=GBP&to=NGN")).json["rate"], "1500.5")
    })
  )

  it.effect("accepts codes in any case, and a trailing slash", () =>
    Effect.gen(function* () {
      const expected = yield* get("/api/v1/rates?from=USD&to=NGN")
      for (const path of [
        "?from=usd&to=ngn",
        "?to=nGn&from=Usd",
        "/?from=usd&to=NGN",
        "?from=%55SD&to=NGN"
      ]) {
        const response = yield* get(`/api/v1/rates${path}`)
        assert.strictEqual(response.text, expected.text)
      }
    })
  )

  it.effect("sends the age, the remaining freshness and the id of the rate as headers", () =>
    Effect.gen(function* () {
      const requestedAt = Date.now()
      const { headers, json } = yield* get("/api/v1/rates?from=USD&to=NGN")
      const ageAt = (millis: number) => Math.floor((millis - Date.parse(String(json["fetched_at"]))) / 1000)
      const age = Number(headers.get("age"))
      assert.isAtLeast(age, Math.max(0, ageAt(requestedAt)))
      assert.isAtMost(age, ageAt(Date.now()))
      assert.strictEqual(headers.get("cache-control"), "max-age=600")
      assert.strictEqual(headers.get("etag"), `"${json["rate_id"]}"`)
      assert.strictEqual(headers.get("access-control-allow-origin"), "*")
    })
  )

  it.effect("returns 304 if If-None-Match contains the ETag", () =>
    Effect.gen(function* () {
      const full = yield* get("/api/v1/rates?from=USD&to=NGN")
      const etag = full.headers.get("etag") ?? assert.fail()
      for (const candidate of [etag, `W/${etag}`, `"other", ${etag}`, `"a",W/"b" ,W/${etag}`, "*"]) {
        const response = yield* get("/api/v1/rates?from=USD&to=NGN", {
          headers: { "if-none-match": candidate }
        })
        assert.strictEqual(response.status, 304, candidate)
        assert.strictEqual(response.text, "")
        assert.strictEqual(response.headers.get("content-type"), null)
        for (const name of ["etag", "cache-control", "x-rate-source", "access-control-allow-origin"])
          assert.strictEqual(
            response.headers.get(name),
            name === "x-rate-source" ? "memory" : full.headers.get(name)
          )
        assert.match(response.headers.get("age") ?? "", /^\d+$/)
      }
      for (const other of ['"other"', etag.slice(1, -1), `${etag.slice(0, -1)}-stale"`, "", "W/*"]) {
        const response = yield* get("/api/v1/rates?from=USD&to=NGN", {
          headers: { "if-none-match": other }
        })
        assert.strictEqual(response.status, 200, other)
      }
    })
  )

  it.effect("responds to HEAD with the headers of GET and no body", () =>
    Effect.gen(function* () {
      const { port } = yield* TestServer
      const full = yield* get("/api/v1/rates?from=USD&to=NGN")
      const request = "HEAD /api/v1/rates?from=USD&to=NGN HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      const { responses, rest } = yield* exchange(port, request, { bodiless: true, untilClosed: true })
      const [head = assert.fail()] = responses
      assert.strictEqual(rest, "")
      assert.strictEqual(head.status, 200)
      assert.strictEqual(head.headers.get("content-length"), String(full.text.length))
      for (const name of ["etag", "cache-control", "content-type", "x-rate-source"])
        assert.strictEqual(head.headers.get(name), full.headers.get(name))
    })
  )

  it.effect("returns 422 for an unsupported currency, with the supported ones", () =>
    Effect.gen(function* () {
      for (const query of ["from=ZZZ&to=NGN", "from=&to=NGN", "from=US&to=NGN", "from=USDX&to=NGN"]) {
        const { detail } = assertProblem(yield* get(`/api/v1/rates?${query}`), 422, "unsupported-currency")
        assert.include(String(detail), "USD, CAD, GBP, EUR")
      }
      const { detail } = assertProblem(
        yield* get("/api/v1/rates?from=USD&to=XXX"),
        422,
        "unsupported-currency"
      )
      assert.include(String(detail), "NGN, KES, GHS")
    })
  )

  it.effect("returns 422 for an unsupported pair", () =>
    Effect.gen(function* () {
      for (const query of ["from=USD&to=JPY", "from=JPY&to=NGN", "from=USD&to=usd"]) {
        const { detail, instance } = assertProblem(
          yield* get(`/api/v1/rates?${query}`),
          422,
          "unsupported-pair"
        )
        assert.include(String(detail), "NGN, KES, GHS")
        assert.strictEqual(instance, "/api/v1/rates")
      }
    })
  )

  it.effect("points at missing and repeated parameters", () =>
    Effect.gen(function* () {
      const cases = [
        ["from=USD", "/query/to", "is required"],
        ["to=NGN", "/query/from", "is required"],
        ["", "/query/from", "is required"],
        ["from=USD&to=NGN&to=KES", "/query/to", "must be given once"],
        ["from=USD&from=USD&to=NGN", "/query/from", "must be given once"],
        ["from=USD&to=NGN&max_age=1+second&max_age=1+second", "/query/max_age", "must be given once"]
      ] as const
      for (const [query, pointer, detail] of cases) {
        const problem = assertProblem(yield* get(`/api/v1/rates?${query}`), 400, "invalid-request")
        assert.deepInclude(problem["errors"], { pointer, detail })
        assert.include(String(problem["detail"]), `${pointer}: ${detail}`)
      }
    })
  )

  it.effect("accepts max_age as a duration and rejects everything else", () =>
    Effect.gen(function* () {
      for (const text of [
        "60 seconds",
        "1 second",
        "500 millis",
        "10 minutes",
        "2 hours",
        "999999999 days"
      ]) {
        const response = yield* get(`/api/v1/rates?from=USD&to=NGN&max_age=${encodeURIComponent(text)}`)
        assert.strictEqual(response.status, 200, text)
      }
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=NGN&max_age=60+seconds")).status, 200)
      for (const text of [
        "60",
        "",
        "60s",
        "-1 seconds",
        "1e9 seconds",
        "1.5 seconds",
        "infinity",
        " 1 second"
      ]) {
        const response = yield* get(`/api/v1/rates?from=USD&to=NGN&max_age=${encodeURIComponent(text)}`)
        const { errors } = assertProblem(response, 400, "invalid-request")
        assert.deepStrictEqual(errors, [
          {
            pointer: "/query/max_age",
            detail: "Expected a duration such as `60 seconds`, `10 minutes` or `500 millis`"
          }
        ])
      }
    })
  )

  it.effect("refreshes a rate older than max_age, and returns 503 if that fails", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1600"))
      const before = yield* get("/api/v1/rates?from=USD&to=GHS")
      yield* Effect.sleep("5 millis")
      yield* provider.respondWith(rate("1700"))
      const refreshed = yield* get("/api/v1/rates?from=USD&to=GHS&max_age=1+millis")
      assert.strictEqual(refreshed.json["rate"], "1700")
      assert.strictEqual(refreshed.headers.get("x-rate-source"), "provider")
      assert.notStrictEqual(refreshed.headers.get("etag"), before.headers.get("etag"))
      yield* Effect.sleep("5 millis")
      yield* provider.respondWith(failing)
      const tooOld = yield* get("/api/v1/rates?from=USD&to=GHS&max_age=1+millis")
      const { detail } = assertProblem(tooOld, 503, "rate-too-old")
      assert.include(String(detail), "USD:GHS")
      assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=GHS")).json["rate"], "1700")
    })
  )

  it.effect("returns 503 if no rate is known and the provider fails", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(failing)
      const { detail } = assertProblem(yield* get("/api/v1/rates?from=EUR&to=NGN"), 503, "rate-unavailable")
      assert.include(String(detail), "EUR:NGN")
      assert.notInclude(String(detail), "refused")
    })
  )
})

layer(TestServer.layer({ STALE_AFTER: "1 minute" }).pipe(Layer.provideMerge(ServerClock.layer)), {
  excludeTestServices: true
})("A stale rate", (it) => {
  it.effect("is returned marked as stale, with a different ETag", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const fresh = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(fresh.headers.get("cache-control"), "max-age=60")
      assert.strictEqual(fresh.json["stale"], false)
      yield* provider.respondWith(failing)
      yield* setForward("61 seconds")
      const stale = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(stale.status, 200)
      assert.strictEqual(stale.text, fresh.text.replace('"stale":false', '"stale":true'))
      assert.strictEqual(stale.headers.get("cache-control"), "max-age=0")
      assert.strictEqual(stale.headers.get("x-rate-source"), "memory")
      assert.isAtLeast(Number(stale.headers.get("age")), 61)
      const etag = fresh.headers.get("etag") ?? assert.fail()
      assert.strictEqual(stale.headers.get("etag"), `${etag.slice(0, -1)}-stale"`)
      const conditional = yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { "if-none-match": etag } })
      assert.strictEqual(conditional.status, 200)
      const all = yield* get("/api/v1/rates/all?base=USD")
      assert.deepStrictEqual(all.json["rates"], [{ ...stale.json, polled: true }])
    })
  )

  it.effect("is refreshed after the provider recovers", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.respondWith(rate("1777"))
      // A failed pair has a cooldown of one second.
      yield* setForward("1100 millis")
      const response = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(response.json["rate"], "1777")
      assert.strictEqual(response.json["stale"], false)
      assert.strictEqual(response.headers.get("x-rate-source"), "provider")
    })
  )
})

layer(TestServer.layer({ RATE_SOURCES: "USD,KES", RATE_DESTINATIONS: "KES,XOF" }), {
  excludeTestServices: true
})("GET /api/v1/currencies", (it) => {
  it.effect("lists the currencies, their supported sides of a pair, and the polled pairs", () =>
    Effect.gen(function* () {
      const expected = [
        ["KES", "Kenyan Shilling", 2, ["XOF"]],
        ["USD", "US Dollar", 2, ["KES", "XOF"]],
        ["XOF", "CFA Franc BCEAO", 0, []]
      ].map(([code, name, minor_unit, polled_destinations]) => ({
        code,
        name,
        minor_unit,
        source: true,
        destination: true,
        polled_destinations
      }))
      for (const path of ["/api/v1/currencies", "/api/v1/currencies/"]) {
        const response = yield* get(path)
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.text, JSON.stringify({ currencies: expected }))
      }
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })((it) => {
  describe("GET /api/v1/rates/all", () => {
    it.effect("returns no rates while none is known", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* get("/api/v1/rates/all")).text, '{"base":null,"rates":[]}')
        assert.strictEqual((yield* get("/api/v1/rates/all?base=eur")).text, '{"base":"EUR","rates":[]}')
      })
    )

    it.effect("returns the latest rates of one base, or of all, like the single lookups", () =>
      Effect.gen(function* () {
        const { pairs } = yield* Settings
        const single = new Map<string, object>()
        for (const { from, key, to } of pairs.all.filter(({ to }) => to === "NGN" || to === "XOF"))
          single.set(key, (yield* get(`/api/v1/rates?from=${from}&to=${to}`)).json)
        const listed = (key: string) => {
          const found = single.get(key)
          return found === undefined ? [] : [{ ...found, polled: true }]
        }
        const known = pairs.all.flatMap(({ key }) => listed(key))
        const all = yield* get("/api/v1/rates/all")
        assert.strictEqual(all.headers.get("content-type"), "application/json")
        assert.strictEqual(all.text, JSON.stringify({ base: null, rates: known }))
        const ofCad = ["CAD:XOF", "CAD:NGN"].flatMap(listed)
        for (const path of ["?base=CAD", "?base=cad", "/?base=Cad"]) {
          const response = yield* get(`/api/v1/rates/all${path}`)
          assert.strictEqual(response.text, JSON.stringify({ base: "CAD", rates: ofCad }))
        }
      })
    )

    it.effect("rejects a base that is not offered, and a repeated base", () =>
      Effect.gen(function* () {
        for (const base of ["ZZZ", "", "JPY"]) {
          const { detail } = assertProblem(
            yield* get(`/api/v1/rates/all?base=${base}`),
            422,
            "unsupported-currency"
          )
          assert.include(String(detail), "USD, CAD, GBP, EUR")
        }
        const repeated = assertProblem(
          yield* get("/api/v1/rates/all?base=USD&base=EUR"),
          400,
          "invalid-request"
        )
        assert.deepStrictEqual(repeated["errors"], [{ pointer: "/query/base", detail: "must be given once" }])
      })
    )
  })

  describe("GET /api/v1/rates/{rate_id}", () => {
    const raw = `{ "data":{"rate":0.00069432900000000000012345,"big":123456789012345678901234567890.10,\n"text":"naïve ☃","text":"twice"}, "2":2,"1":1 }\n`

    it.effect("returns the full record, with the provider's response byte for byte", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.respondWith((pair) =>
          Effect.map(tick(pair.from, pair.to, "1534.12345678", "2026-11-21T03:27:17.000Z"), (base) => ({
            ...base,
            providerRate: "1534.123456780",
            raw
          }))
        )
        const { rate_id } = (yield* get("/api/v1/rates?from=USD&to=KES")).json
        const response = yield* get(`/api/v1/rates/${rate_id}`)
        assert.strictEqual(response.status, 200)
        const { recorded_at } = response.json
        assert.match(String(recorded_at), ISO_MILLIS)
        assert.strictEqual(
          response.text,
          `{"from":"USD","to":"KES","rate":"1534.12345678","rate_id":"${rate_id}","provider":"test","fetched_at":"2026-11-21T03:27:17.000Z","source_amount":"651.838022279458","destination_amount":"1000000","provider_rate":"1534.123456780","derived_from":[],"recorded_at":"${recorded_at}","raw":${raw}}`
        )
        assert.strictEqual((yield* get(`/api/v1/rates/${rate_id}/`)).text, response.text)
        assert.strictEqual((yield* get(`/api/v1/rates/${String(rate_id).toUpperCase()}`)).text, response.text)
      })
    )

    it.effect("is cacheable permanently", () =>
      Effect.gen(function* () {
        const { rate_id } = (yield* get("/api/v1/rates?from=USD&to=KES")).json
        const { headers } = yield* get(`/api/v1/rates/${rate_id}`)
        assert.strictEqual(headers.get("cache-control"), "public, max-age=31536000, immutable")
        assert.strictEqual(headers.get("etag"), `"${rate_id}"`)
        const conditional = yield* get(`/api/v1/rates/${rate_id}`, {
          headers: { "if-none-match": `W/"${rate_id}"` }
        })
        assert.strictEqual(conditional.status, 304)
        assert.strictEqual(conditional.text, "")
        assert.strictEqual(conditional.headers.get("etag"), `"${rate_id}"`)
        assert.strictEqual(conditional.headers.get("cache-control"), headers.get("cache-control"))
      })
    )

    it.effect("returns 404 for unknown ids and 400 for malformed ones", () =>
      Effect.gen(function* () {
        const { instance } = assertProblem(yield* get(`/api/v1/rates/${UNKNOWN_ID}`), 404, "not-found")
        assert.strictEqual(instance, `/api/v1/rates/${UNKNOWN_ID}`)
        assertProblem(yield* get("/api/v1/rates/%20"), 404, "not-found")
        for (const id of ["1", "nonsense", UNKNOWN_ID.replace("-7", "-4"), `${UNKNOWN_ID}0`]) {
          const { errors } = assertProblem(yield* get(`/api/v1/rates/${id}`), 400, "invalid-request")
          assert.deepStrictEqual(errors, [{ pointer: "/path/rate_id", detail: "Expected a UUID v7" }])
        }
      })
    )
  })
})

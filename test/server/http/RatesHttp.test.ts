import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Settings } from "../../../src/config/Settings.ts"
import { exchange } from "../../support/RawHttp.ts"
import { failing, rate, TestProvider } from "../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"
import { tick } from "../../support/RateTicks.ts"

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const ISO_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"

layer(TestServer.layer({ RATE_DESTINATIONS: "NGN,KES,GHS,USD,XOF" }), { excludeTestServices: true })(
  "GET /api/v1/rates",
  (it) => {
    it.effect("answers exactly what is promised, from the provider first and then from memory", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.answer(rate("1534.12345678"))
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
        yield* provider.answer(rate("1"))
        const second = yield* get("/api/v1/rates?from=USD&to=NGN")
        assert.strictEqual(second.text, first.text)
        assert.strictEqual(second.headers.get("x-rate-source"), "memory")
      })
    )

    it.effect("writes small, large and whole rates as plain digits", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        const written = [
          ["KES", "0.000694329"],
          ["GHS", "123456789012345678"],
          ["XOF", "0.000000000000000000000000000123"]
        ] as const
        for (const [to, text] of written) {
          yield* provider.answer(rate(text))
          const answer = yield* get(`/api/v1/rates?from=CAD&to=${to}`)
          assert.strictEqual(answer.json["rate"], text)
        }
        yield* provider.answer(rate("1500.500"))
        assert.strictEqual((yield* get("/api/v1/rates?from=GBP&to=NGN")).json["rate"], "1500.5")
      })
    )

    it.effect("takes codes in any case, and a slash at the end", () =>
      Effect.gen(function* () {
        const plain = yield* get("/api/v1/rates?from=USD&to=NGN")
        for (const path of [
          "?from=usd&to=ngn",
          "?to=nGn&from=Usd",
          "/?from=usd&to=NGN",
          "?from=%55SD&to=NGN"
        ]) {
          const answer = yield* get(`/api/v1/rates${path}`)
          assert.strictEqual(answer.text, plain.text)
        }
      })
    )

    it.effect("says how old it is, how long it stays fresh, and which one it is", () =>
      Effect.gen(function* () {
        const { headers, json } = yield* get("/api/v1/rates?from=USD&to=NGN")
        const age = Number(headers.get("age"))
        const actual = (Date.now() - Date.parse(String(json["fetched_at"]))) / 1000
        assert.isTrue(Number.isInteger(age) && age <= actual && age > actual - 2, `${age} of ${actual}`)
        assert.strictEqual(headers.get("cache-control"), "max-age=600")
        assert.strictEqual(headers.get("etag"), `"${json["rate_id"]}"`)
        assert.strictEqual(headers.get("access-control-allow-origin"), "*")
      })
    )

    it.effect("answers 304 to whoever has it", () =>
      Effect.gen(function* () {
        const full = yield* get("/api/v1/rates?from=USD&to=NGN")
        const etag = full.headers.get("etag") ?? assert.fail()
        for (const held of [etag, `W/${etag}`, `"other", ${etag}`, `"a",W/"b" ,W/${etag}`, "*"]) {
          const answer = yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { "if-none-match": held } })
          assert.strictEqual(answer.status, 304, held)
          assert.strictEqual(answer.text, "")
          assert.strictEqual(answer.headers.get("content-type"), null)
          for (const name of ["etag", "cache-control", "x-rate-source", "access-control-allow-origin"])
            assert.strictEqual(
              answer.headers.get(name),
              name === "x-rate-source" ? "memory" : full.headers.get(name)
            )
          assert.match(answer.headers.get("age") ?? "", /^\d+$/)
        }
        for (const other of ['"other"', etag.slice(1, -1), `${etag.slice(0, -1)}-stale"`, "", "W/*"]) {
          const answer = yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { "if-none-match": other } })
          assert.strictEqual(answer.status, 200, other)
        }
      })
    )

    it.effect("answers HEAD with the headers of GET and no body", () =>
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

    it.effect("refuses what is no currency with 422, and says which ones there are", () =>
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
        assert.include(String(detail), "NGN, KES, GHS, USD, XOF")
      })
    )

    it.effect("refuses a pair that is not offered with 422", () =>
      Effect.gen(function* () {
        for (const query of ["from=USD&to=EUR", "from=NGN&to=USD", "from=JPY&to=NGN", "from=USD&to=usd"]) {
          const { detail, instance } = assertProblem(
            yield* get(`/api/v1/rates?${query}`),
            422,
            "unsupported-pair"
          )
          assert.include(String(detail), "NGN, KES, GHS, USD, XOF")
          assert.strictEqual(instance, "/api/v1/rates")
        }
      })
    )

    it.effect("points at parameters that are missing or stand there twice", () =>
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
          const told = assertProblem(yield* get(`/api/v1/rates?${query}`), 400, "invalid-request")
          assert.deepInclude(told["errors"], { pointer, detail })
          assert.include(String(told["detail"]), `${pointer}: ${detail}`)
        }
      })
    )

    it.effect("takes max_age as a duration, and refuses everything else", () =>
      Effect.gen(function* () {
        for (const text of [
          "60 seconds",
          "1 second",
          "500 millis",
          "10 minutes",
          "2 hours",
          "999999999 days"
        ]) {
          const answer = yield* get(`/api/v1/rates?from=USD&to=NGN&max_age=${encodeURIComponent(text)}`)
          assert.strictEqual(answer.status, 200, text)
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
          const answer = yield* get(`/api/v1/rates?from=USD&to=NGN&max_age=${encodeURIComponent(text)}`)
          const { errors } = assertProblem(answer, 400, "invalid-request")
          assert.deepStrictEqual(errors, [
            {
              pointer: "/query/max_age",
              detail: "Expected a duration such as `60 seconds`, `10 minutes` or `500 millis`"
            }
          ])
        }
      })
    )

    it.effect("refreshes what is older than max_age, and refuses where it cannot", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.answer(rate("1600"))
        const before = yield* get("/api/v1/rates?from=USD&to=GHS")
        yield* Effect.sleep("5 millis")
        yield* provider.answer(rate("1700"))
        const refreshed = yield* get("/api/v1/rates?from=USD&to=GHS&max_age=1+millis")
        assert.strictEqual(refreshed.json["rate"], "1700")
        assert.strictEqual(refreshed.headers.get("x-rate-source"), "provider")
        assert.notStrictEqual(refreshed.headers.get("etag"), before.headers.get("etag"))
        yield* Effect.sleep("5 millis")
        yield* provider.answer(failing)
        const refused = yield* get("/api/v1/rates?from=USD&to=GHS&max_age=1+millis")
        const { detail } = assertProblem(refused, 503, "rate-too-old")
        assert.include(String(detail), "USD:GHS")
        assert.strictEqual((yield* get("/api/v1/rates?from=USD&to=GHS")).json["rate"], "1700")
      })
    )

    it.effect("answers 503 where no rate is known and the provider gives none", () =>
      Effect.gen(function* () {
        const provider = yield* TestProvider
        yield* provider.answer(failing)
        const { detail } = assertProblem(yield* get("/api/v1/rates?from=EUR&to=NGN"), 503, "rate-unavailable")
        assert.include(String(detail), "EUR:NGN")
        assert.notInclude(String(detail), "gone")
      })
    )
  }
)

layer(TestServer.layer({ STALE_AFTER: "1 second" }), { excludeTestServices: true })("A stale rate", (it) => {
  it.effect("is served and marked as stale, and is another one for caches", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      const fresh = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(fresh.headers.get("cache-control"), "max-age=1")
      assert.strictEqual(fresh.json["stale"], false)
      yield* provider.answer(failing)
      yield* Effect.sleep("1100 millis")
      const stale = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(stale.status, 200)
      assert.strictEqual(stale.text, fresh.text.replace('"stale":false', '"stale":true'))
      assert.strictEqual(stale.headers.get("cache-control"), "max-age=0")
      assert.strictEqual(stale.headers.get("x-rate-source"), "memory")
      assert.isAtLeast(Number(stale.headers.get("age")), 1)
      const etag = fresh.headers.get("etag") ?? assert.fail()
      assert.strictEqual(stale.headers.get("etag"), `${etag.slice(0, -1)}-stale"`)
      const conditional = yield* get("/api/v1/rates?from=USD&to=NGN", { headers: { "if-none-match": etag } })
      assert.strictEqual(conditional.status, 200)
      const all = yield* get("/api/v1/rates/all?base=USD")
      assert.deepStrictEqual(all.json["rates"], [stale.json])
    })
  )

  it.effect("is refreshed once the provider is well again", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.answer(rate("1777"))
      // A pair that could not be refreshed is left alone for a second.
      yield* Effect.sleep("1100 millis")
      const answer = yield* get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual(answer.json["rate"], "1777")
      assert.strictEqual(answer.json["stale"], false)
      assert.strictEqual(answer.headers.get("x-rate-source"), "provider")
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("GET /api/v1/rates/all", (it) => {
  it.effect("answers no rates while none is known", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* get("/api/v1/rates/all")).text, '{"base":null,"rates":[]}')
      assert.strictEqual((yield* get("/api/v1/rates/all?base=eur")).text, '{"base":"EUR","rates":[]}')
    })
  )

  it.effect("answers the known rates of one base, or of all, as each is answered by itself", () =>
    Effect.gen(function* () {
      const { pairs } = yield* Settings
      const single = new Map<string, unknown>()
      for (const { from, key, to } of pairs.all.filter(({ to }) => to === "NGN" || to === "XOF"))
        single.set(key, (yield* get(`/api/v1/rates?from=${from}&to=${to}`)).json)
      const known = pairs.all.flatMap(({ key }) => single.get(key) ?? [])
      const all = yield* get("/api/v1/rates/all")
      assert.strictEqual(all.headers.get("content-type"), "application/json")
      assert.strictEqual(all.text, JSON.stringify({ base: null, rates: known }))
      const ofCad = ["CAD:XOF", "CAD:NGN"].map((key) => single.get(key))
      for (const path of ["?base=CAD", "?base=cad", "/?base=Cad"]) {
        const answer = yield* get(`/api/v1/rates/all${path}`)
        assert.strictEqual(answer.text, JSON.stringify({ base: "CAD", rates: ofCad }))
      }
    })
  )

  it.effect("refuses a base that is no source currency, and one that stands there twice", () =>
    Effect.gen(function* () {
      for (const base of ["NGN", "ZZZ", "", "JPY"]) {
        const { detail } = assertProblem(
          yield* get(`/api/v1/rates/all?base=${base}`),
          422,
          "unsupported-currency"
        )
        assert.include(String(detail), "USD, CAD, GBP, EUR")
      }
      const twice = assertProblem(yield* get("/api/v1/rates/all?base=USD&base=EUR"), 400, "invalid-request")
      assert.deepStrictEqual(twice["errors"], [{ pointer: "/query/base", detail: "must be given once" }])
    })
  )
})

layer(TestServer.layer({ RATE_SOURCES: "USD,KES", RATE_DESTINATIONS: "KES,XOF" }), {
  excludeTestServices: true
})("GET /api/v1/currencies", (it) => {
  it.effect("answers which currencies there are, and where they may stand", () =>
    Effect.gen(function* () {
      const expected = [
        { code: "KES", name: "Kenyan Shilling", minor_unit: 2, source: true, destination: true },
        { code: "USD", name: "US Dollar", minor_unit: 2, source: true, destination: false },
        { code: "XOF", name: "CFA Franc BCEAO", minor_unit: 0, source: false, destination: true }
      ]
      for (const path of ["/api/v1/currencies", "/api/v1/currencies/"]) {
        const answer = yield* get(path)
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.text, JSON.stringify({ currencies: expected }))
      }
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("GET /api/v1/rates/{rate_id}", (it) => {
  const raw = `{"data":{"rate":0.00069432900000000000012345,"big":123456789012345678901234567890.10,"text":"naïve ☃"}}`

  it.effect("answers all that is kept of a rate, with the provider's answer digit for digit", () =>
    Effect.gen(function* () {
      const provider = yield* TestProvider
      yield* provider.answer((pair) =>
        Effect.map(tick(pair.from, pair.to, "1534.12345678", "2026-11-21T03:27:17.000Z"), (made) => ({
          ...made,
          providerRate: "1534.123456780",
          raw
        }))
      )
      const { rate_id } = (yield* get("/api/v1/rates?from=USD&to=NGN")).json
      const answer = yield* get(`/api/v1/rates/${rate_id}`)
      assert.strictEqual(answer.status, 200)
      const { recorded_at } = answer.json
      assert.match(String(recorded_at), ISO_MILLIS)
      const [told, rawText = ""] = answer.text.split(',"raw":')
      assert.strictEqual(
        told,
        `{"from":"USD","to":"NGN","rate":"1534.12345678","rate_id":"${rate_id}","provider":"test","fetched_at":"2026-11-21T03:27:17.000Z","source_amount":"651.838022279458","destination_amount":"1000000","provider_rate":"1534.123456780","derived_from":[],"recorded_at":"${recorded_at}"`
      )
      for (const kept of ["0.00069432900000000000012345", "123456789012345678901234567890.10", "naïve ☃"])
        assert.include(rawText, kept)
      assert.strictEqual((yield* get(`/api/v1/rates/${rate_id}/`)).text, answer.text)
      assert.strictEqual((yield* get(`/api/v1/rates/${String(rate_id).toUpperCase()}`)).text, answer.text)
    })
  )

  it.effect("lets caches keep it for ever", () =>
    Effect.gen(function* () {
      const { rate_id } = (yield* get("/api/v1/rates?from=USD&to=NGN")).json
      const { headers } = yield* get(`/api/v1/rates/${rate_id}`)
      assert.strictEqual(headers.get("cache-control"), "public, max-age=31536000, immutable")
      assert.strictEqual(headers.get("etag"), `"${rate_id}"`)
      const held = yield* get(`/api/v1/rates/${rate_id}`, { headers: { "if-none-match": `W/"${rate_id}"` } })
      assert.strictEqual(held.status, 304)
      assert.strictEqual(held.text, "")
      assert.strictEqual(held.headers.get("etag"), `"${rate_id}"`)
      assert.strictEqual(held.headers.get("cache-control"), headers.get("cache-control"))
    })
  )

  it.effect("knows no other id, and takes nothing but ids", () =>
    Effect.gen(function* () {
      const { instance } = assertProblem(yield* get(`/api/v1/rates/${UNKNOWN_ID}`), 404, "not-found")
      assert.strictEqual(instance, `/api/v1/rates/${UNKNOWN_ID}`)
      for (const id of ["1", "nonsense", UNKNOWN_ID.replace("-7", "-4"), `${UNKNOWN_ID}0`, "%20"]) {
        const { errors } = assertProblem(yield* get(`/api/v1/rates/${id}`), 400, "invalid-request")
        assert.deepStrictEqual(errors, [{ pointer: "/path/rate_id", detail: "Expected a UUID v7" }])
      }
    })
  )
})

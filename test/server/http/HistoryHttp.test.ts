import { assert, describe, layer } from "@effect/vitest"
import { Clock, DateTime, Effect, Exit, Layer, Schema } from "effect"
import { connect } from "node:net"
import { CandlesPage, HistoryRowsPage } from "../../../src/api/history/HistoryMessage.ts"
import * as RateIds from "../../../src/domain/rates/RateIds.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import * as GeneratedHistory from "../../rates/history/GeneratedHistory.ts"
import { assertProblem, get, parseJsonObject, TestServer } from "../../support/TestServer.ts"
import { pairOf } from "../../support/RateTicks.ts"

const HISTORY = "/api/v1/rates/history"
const AS_OF = "/api/v1/rates/as-of"
const NAIRA = { from: "USD", to: "NGN" }

const at = DateTime.makeUnsafe
let count = 0
const row = (rate: string, observedAt: string, recordedAt: string, to = "NGN", isLeg = false) => ({
  id: RateIds.make(at(observedAt), at(recordedAt), count++),
  pair: pairOf("USD", to),
  rate,
  observedAt: Date.parse(observedAt),
  recordedAt: Date.parse(recordedAt),
  isLeg
})

const first = row("1500.10", "2025-01-01T10:00:00.000Z", "2025-01-01T10:00:01.000Z")
const second = row("1510", "2025-01-01T10:30:00.000Z", "2025-01-01T10:30:01.000Z")
const corrected = row("1505.50000", "2025-01-01T10:30:00.000Z", "2025-01-02T08:00:00.000Z")
const third = row("1490", "2025-01-01T11:15:00.000Z", "2025-01-01T11:15:01.000Z")
const fifth = row("0.000694", "2025-03-05T00:00:00.000Z", "2025-03-05T00:00:01.000Z")
const leg = row("9", "2025-01-01T11:20:00.000Z", "2025-01-01T11:20:00.000Z", "NGN", true)
/** A rate of a pair that is no longer supported. */
const unsupported = row("18", "2025-01-01T10:00:00.000Z", "2025-01-01T10:00:01.000Z", "MXN")
const known = [first, second, corrected, third, fifth]

const request = (path: string, query: Readonly<Record<string, string>>, accept?: string) =>
  get(`${path}?${new URLSearchParams(query)}`, accept === undefined ? {} : { headers: { accept } })

const decodeRows = Schema.decodeUnknownEffect(HistoryRowsPage, { onExcessProperty: "error" })
const decodeCandles = Schema.decodeUnknownEffect(CandlesPage, { onExcessProperty: "error" })

const rowsOf = Effect.fnUntraced(function* (query: Readonly<Record<string, string>>) {
  const response = yield* request(HISTORY, { ...NAIRA, ...query })
  assert.strictEqual(response.status, 200, response.text)
  return yield* decodeRows(response.json)
})

const idsOf = (rows: ReadonlyArray<{ readonly rate_id: string }>) => rows.map(({ rate_id }) => rate_id)
const ids = (rows: ReadonlyArray<GeneratedHistory.GeneratedRow>) => rows.map(({ id }) => id)

/** Exceeds the buffers between server and client. */
const LARGE_EXPORT_ROWS = 100_000

/** Stores the rows of the tests, and a large history of USD:KES. */
const stored = Layer.effectDiscard(
  Effect.gen(function* () {
    const { sql } = yield* Database
    yield* GeneratedHistory.store([...known, leg, unsupported])
    yield* sql`
      INSERT INTO exchange_rate (id, source_currency, destination_currency, rate, source_amount, destination_amount,
        provider, provider_rate, raw, observed_at, recorded_at)
      SELECT (left(uuidv7_floor(moment)::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        'USD', 'KES', n, 1, n, 'made', n::text, '{}', moment, moment
      FROM generate_series(1, ${LARGE_EXPORT_ROWS}::int) AS n, LATERAL (SELECT '2025-01-01Z'::timestamptz + n * interval '1 minute') AS at (moment)`
    yield* sql`ANALYZE exchange_rate`
  })
).pipe(Layer.provideMerge(TestServer.layer()))

layer(stored, { excludeTestServices: true })((it) => {
  describe("GET /api/v1/rates/history", () => {
    it.effect("returns every rate as it was stored, oldest first, without legs", () =>
      Effect.gen(function* () {
        const response = yield* request(HISTORY, { from: "usd", to: "ngn", end: "2025-01-01T10:30:00Z" })
        assert.deepStrictEqual(response.json, {
          ...NAIRA,
          interval: "raw",
          data: [
            {
              rate: "1500.1",
              rate_id: first.id,
              provider: "made",
              fetched_at: "2025-01-01T10:00:00.000Z",
              recorded_at: "2025-01-01T10:00:01.000Z",
              derived_from: []
            }
          ],
          has_more: false,
          next: null
        })
        assert.deepStrictEqual(idsOf((yield* rowsOf({})).data), ids(known))
        const range = yield* rowsOf({ start: "2025-01-01T10:30:00Z", end: "2025-01-01T11:15:00Z" })
        assert.deepStrictEqual(idsOf(range.data), ids([second, corrected]))
        const other = yield* rowsOf({ to: "MXN" })
        assert.deepStrictEqual(idsOf(other.data), [unsupported.id])
        assert.deepStrictEqual((yield* rowsOf({ to: "USD" })).data, [])
      })
    )

    it.effect("paginates rates and candles", () =>
      Effect.gen(function* () {
        let page = yield* rowsOf({ page_size: "2" })
        const received = [...idsOf(page.data)]
        while (page.next !== null) {
          assert.isTrue(page.has_more)
          page = yield* rowsOf({ page_size: "2", cursor: page.next })
          received.push(...idsOf(page.data))
        }
        assert.isFalse(page.has_more)
        assert.deepStrictEqual(received, ids(known))

        const query = { ...NAIRA, interval: "1d", page_size: "1" }
        const day = yield* decodeCandles((yield* request(HISTORY, query)).json)
        assert.deepStrictEqual(
          [day.has_more, day.data],
          [
            true,
            [
              {
                start: "2025-01-01T00:00:00.000Z",
                open: "1500.1",
                high: "1505.5",
                low: "1490",
                close: "1490",
                count: 3
              }
            ]
          ]
        )
        const next = yield* decodeCandles(
          (yield* request(HISTORY, { ...query, cursor: String(day.next) })).json
        )
        assert.deepStrictEqual([next.data[0]?.start, next.next], ["2025-03-05T00:00:00.000Z", null])
      })
    )

    it.effect("returns the candles of intervals that start in the range", () =>
      Effect.gen(function* () {
        const starts = Effect.fnUntraced(function* (start: string, end: string) {
          const { json } = yield* request(HISTORY, { ...NAIRA, interval: "1h", start, end })
          return (yield* decodeCandles(json)).data.map((candle) => candle.start.slice(11, 13))
        })
        assert.deepStrictEqual(yield* starts("2025-01-01", "2025-01-02"), ["10", "11"])
        assert.deepStrictEqual(yield* starts("2025-01-01T10:00:00.001Z", "2025-01-01T11:00:00.001Z"), ["11"])
        assert.deepStrictEqual(yield* starts("2025-01-01T10:00:00Z", "2025-01-01T11:00:00Z"), ["10"])
      })
    )

    it.effect("exports the complete range as CSV or NDJSON, selected with Accept", () =>
      Effect.gen(function* () {
        const csv = yield* request(HISTORY, { ...NAIRA, page_size: "1" }, "text/csv")
        assert.strictEqual(csv.headers.get("content-type"), "text/csv; charset=utf-8")
        assert.include(csv.headers.get("content-disposition") ?? "", "rates.csv")
        const lines = csv.text.split("\r\n")
        assert.strictEqual(lines[0], "fetched_at,recorded_at,rate,rate_id,provider,derived_from")
        assert.strictEqual(
          lines[3],
          `2025-01-01T10:30:00.000Z,2025-01-02T08:00:00.000Z,1505.5,${corrected.id},made,`
        )
        assert.strictEqual(lines.length, known.length + 2)
        const ndjson = yield* request(HISTORY, NAIRA, "application/x-ndjson")
        assert.strictEqual(ndjson.headers.get("content-type"), "application/x-ndjson")
        assert.deepStrictEqual(
          ndjson.text.trimEnd().split("\n").map(parseJsonObject),
          (yield* rowsOf({})).data.map((row) => ({ ...row }))
        )
        const candles = yield* request(HISTORY, { ...NAIRA, interval: "1h" }, "text/csv")
        assert.deepStrictEqual(candles.text.split("\r\n").slice(0, 3), [
          "start,open,high,low,close,count",
          "2025-01-01T10:00:00.000Z,1500.1,1505.5,1500.1,1505.5,2",
          "2025-01-01T11:00:00.000Z,1490,1490,1490,1490,1"
        ])
        const empty = yield* request(HISTORY, { from: "NGN", to: "USD" }, "application/x-ndjson")
        assert.deepStrictEqual([empty.status, empty.text], [200, ""])
      })
    )

    it.effect("points at invalid parameters", () =>
      Effect.gen(function* () {
        const { next } = yield* rowsOf({ page_size: "1" })
        const cursor = String(next)
        const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
          ["page_size", ["0", "1001", "x"]],
          ["cursor", ["", "x", first.id, cursor.slice(1), cursor.slice(0, -4), "A".repeat(5000), "MTIz"]],
          ["start", ["", "x", "2026-13-01", "+275760-09-13T00:00:00.000Z"]],
          ["end", ["", "x", "9999-01-01"]],
          ["interval", ["", "1m", "RAW"]]
        ]
        for (const [name, values] of cases) {
          for (const value of values) {
            const response = yield* request(HISTORY, { ...NAIRA, [name]: value })
            const { errors } = assertProblem(response, 400, "invalid-request")
            assert.include(JSON.stringify(errors), `"pointer":"/query/${name}"`, value)
          }
        }
        assertProblem(yield* request(HISTORY, { ...NAIRA, interval: "1h", cursor }), 400, "invalid-request")
        const reversed = yield* request(HISTORY, { ...NAIRA, start: "2025-01-02", end: "2025-01-01" })
        assertProblem(reversed, 400, "invalid-request")
        assertProblem(yield* request(HISTORY, { from: "USD" }), 400, "invalid-request")
        for (const to of ["", "ZZZ", "NGNX", "ſek"])
          assertProblem(yield* request(HISTORY, { from: "USD", to }), 422, "unsupported-currency")
      })
    )
  })

  describe("GET /api/v1/rates/as-of", () => {
    it.effect("returns the rate in force, as known now and as known at an earlier time", () =>
      Effect.gen(function* () {
        const time = "2025-01-01T10:45:00.000Z"
        const now = yield* request(AS_OF, { ...NAIRA, at: time })
        assert.strictEqual(now.headers.get("cache-control"), "no-store")
        assert.strictEqual(now.json["rate_id"], corrected.id)
        const then = yield* request(AS_OF, { ...NAIRA, at: time, known_at: "2025-01-02T07:59:59.999Z" })
        assert.strictEqual(then.headers.get("cache-control"), "public, max-age=31536000, immutable")
        assert.deepStrictEqual(then.json, {
          ...NAIRA,
          rate: "1510",
          rate_id: second.id,
          provider: "made",
          fetched_at: "2025-01-01T10:30:00.000Z",
          recorded_at: "2025-01-01T10:30:01.000Z",
          derived_from: [],
          at: time,
          known_at: "2025-01-02T07:59:59.999Z"
        })
        const withoutLeg = yield* request(AS_OF, { ...NAIRA, at: "2025-02-20" })
        assert.strictEqual(withoutLeg.json["rate_id"], third.id)
        const other = yield* request(AS_OF, { from: "usd", to: "mxn", at: "2026-01-01" })
        assert.strictEqual(other.json["rate_id"], unsupported.id)
        const recent = DateTime.formatIso(at((yield* Clock.currentTimeMillis) - 60_000))
        const unsettled = yield* request(AS_OF, { ...NAIRA, at: time, known_at: recent })
        assert.strictEqual(unsettled.headers.get("cache-control"), "no-store")
      })
    )

    it.effect("returns 404 if no rate was known, and rejects invalid parameters", () =>
      Effect.gen(function* () {
        for (const query of [
          { at: "2025-01-01T09:59:59.999Z" },
          { at: "2025-01-01T10:15:00Z", known_at: "2025-01-01T10:00:00.999Z" },
          { at: "1000-01-01" },
          { at: "2025-06-01", to: "JPY" }
        ]) {
          const { detail } = assertProblem(yield* request(AS_OF, { ...NAIRA, ...query }), 404, "not-found")
          assert.match(String(detail), /^No USD:\w+ rate recorded by .*Z was in force at .*Z$/)
        }
        const future = DateTime.formatIso(at((yield* Clock.currentTimeMillis) + 60_000))
        for (const [name, query] of [
          ["at", { at: future }],
          ["known_at", { at: "2025-01-01", known_at: future }],
          ["at", {}],
          ["at", { at: "yesterday" }],
          ["known_at", { at: "2025-01-01", known_at: "" }]
        ] as const) {
          const { errors } = assertProblem(
            yield* request(AS_OF, { ...NAIRA, ...query }),
            400,
            "invalid-request"
          )
          assert.include(JSON.stringify(errors), `"pointer":"/query/${name}"`)
        }
        assertProblem(
          yield* request(AS_OF, { from: "USD", to: "ZZZ", at: "2025-01-01" }),
          422,
          "unsupported-currency"
        )
      })
    )

    it.effect("returns 503 in every format while the database is down", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        yield* server.setDatabase("down")
        for (const interval of ["raw", "1h"]) {
          for (const accept of ["application/json", "text/csv", "application/x-ndjson"])
            assertProblem(yield* request(HISTORY, { ...NAIRA, interval }, accept), 503, "store-unavailable")
        }
        assertProblem(yield* request(AS_OF, { ...NAIRA, at: "2025-01-01" }), 503, "store-unavailable")
        yield* server.setDatabase("up")
      })
    )
  })

  describe("An interrupted export", () => {
    it.effect("resets the connection instead of ending the response, and is logged", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { log, url } = server
        for (const accept of ["text/csv", "application/x-ndjson"]) {
          const response = yield* Effect.promise(() =>
            fetch(`${url}${HISTORY}?from=USD&to=KES`, { headers: { accept } })
          )
          assert.strictEqual(response.status, 200)
          const reader = response.body?.getReader() ?? assert.fail("no body")
          yield* Effect.promise(() => reader.read())
          yield* server.setDatabase("down")
          const rest = yield* Effect.exit(
            Effect.tryPromise(async () => {
              while (!(await reader.read()).done);
            })
          )
          assert.isTrue(Exit.isFailure(rest), accept)
          yield* server.setDatabase("up")
        }
        assert.strictEqual(log.filter((line) => line.includes("The export of rates failed")).length, 2)
      })
    )

    it.effect("resets the connection of an HTTP/1.0 client, for which closing would end the response", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const run = Effect.runForkWith(yield* Effect.context<never>())
        const outcome = yield* Effect.callback<string>((resume) => {
          const socket = connect({ port: server.port, host: "127.0.0.1" })
          socket.write(`GET ${HISTORY}?from=USD&to=KES HTTP/1.0\r\nHost: a\r\nAccept: text/csv\r\n\r\n`)
          socket.once("data", () => {
            socket.pause()
            run(
              Effect.andThen(
                server.setDatabase("down"),
                Effect.sync(() => socket.resume())
              )
            )
          })
          socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "")))
          socket.once("end", () => resume(Effect.succeed("end")))
          return Effect.sync(() => socket.destroy())
        })
        yield* server.setDatabase("up")
        assert.strictEqual(outcome, "ECONNRESET")
      })
    )

    it.effect("is not logged if the client disconnected", () =>
      Effect.gen(function* () {
        const { log, url } = yield* TestServer
        const before = log.length
        const response = yield* Effect.promise(() =>
          fetch(`${url}${HISTORY}?from=USD&to=KES`, { headers: { accept: "text/csv" } })
        )
        yield* Effect.promise(async () => {
          const reader = response.body?.getReader()
          await reader?.read()
          await reader?.cancel()
        })
        yield* Effect.sleep("300 millis")
        assert.deepStrictEqual(log.slice(before), [])
      })
    )
  })
})

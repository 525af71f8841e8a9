import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { AuditSealer } from "../../../src/audit/AuditSealer.ts"
import { AuditSigner } from "../../../src/audit/AuditSigner.ts"
import { Conversions } from "../../../src/conversion/Conversions.ts"
import { findFault, Receipt } from "../../../src/audit/Receipt.ts"
import { conversionRequest } from "../../support/ConversionRequests.ts"
import { assertProblem, get, parseJsonObject, TestServer } from "../../support/TestServer.ts"
import { pairOf } from "../../support/RateTicks.ts"

const UNKNOWN_ID = "01980000-0000-7000-8000-000000000000"
const LIST = "/api/v1/audit/conversions"

const Page = Schema.Struct({
  position: Schema.optionalKey(Schema.Int),
  data: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)),
  has_more: Schema.Boolean,
  next: Schema.NullOr(Schema.String)
})
const decodePage = Schema.decodeUnknownSync(Page, { onExcessProperty: "error" })
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ audit_id: Schema.String })))
const idsOf = (rows: unknown) => decodeIds(rows).map(({ audit_id }) => audit_id)

const list = Effect.fnUntraced(function* (query: Readonly<Record<string, string>> = {}) {
  const response = yield* get(`${LIST}?${new URLSearchParams(query)}`)
  assert.strictEqual(response.status, 200, response.text)
  return decodePage(response.json)
})

/** Follows the cursors to the last page, and runs an effect after each page. */
const listAll = Effect.fnUntraced(function* <R>(
  query: Readonly<Record<string, string>>,
  afterEach: Effect.Effect<unknown, never, R>
) {
  const ids: Array<string> = []
  let next: string | null = null
  do {
    const page: typeof Page.Type = yield* list(next === null ? query : { ...query, cursor: next })
    ids.push(...idsOf(page.data))
    assert.strictEqual(page.has_more, page.next !== null)
    next = page.next
    yield* afterEach
  } while (next !== null)
  return ids
})

/** Converts without HTTP, which would reject some of the references. Returns the id of the record. */
const convert = Effect.fnUntraced(function* (reference: string | null = null, from = "USD", to = "NGN") {
  const conversions = yield* Conversions
  const request = conversionRequest("500", { pair: pairOf(from, to), reference })
  const { conversion } = yield* Effect.orDie(conversions.convert(request))
  return conversion.audit_id
})

const convertMany = (count: number) =>
  Effect.all(
    Array.from({ length: count }, () => convert()),
    { concurrency: "unbounded" }
  )

const exportAs = (accept: string, query = "") => get(`${LIST}?${query}`, { headers: { accept } })

const CSV_HEADER =
  "audit_id,converted_at,from_currency,to_currency,amount_type,input_amount,output_amount,exact_output,residual,mid_rate,margin,rate,rate_id,provider,rate_fetched_at,stale,quote_id,reference,principal,position"

layer(TestServer.layer(), { excludeTestServices: true })("AuditHttp", (it) => {
  describe("GET /api/v1/audit/conversions", () => {
    it.effect("returns an empty list, an empty file and no heads for an empty audit", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* list(), { data: [], has_more: false, next: null })
        const verified = yield* get("/api/v1/audit/verify")
        assert.deepInclude(verified.json, { ok: true, records: 0, unsealed: 0 })
        assert.deepStrictEqual((yield* get("/api/v1/audit/heads")).json, { heads: [] })
        assert.strictEqual((yield* exportAs("text/csv")).text.trimEnd(), CSV_HEADER)
      })
    )

    it.effect("returns the same complete record alone and in the list", () =>
      Effect.gen(function* () {
        const conversion = (yield* get("/api/v1/convert", {
          method: "POST",
          body: '{"amount":"100000","from_currency":"USD","to_currency":"NGN","amount_type":"target","reference":"r"}'
        })).json
        const record = yield* get(`${LIST}/${conversion["audit_id"]}`)
        assert.strictEqual(record.status, 200)
        assert.deepStrictEqual(record.json, {
          ...conversion,
          amount_type: "target",
          input_amount: "67.01",
          output_amount: "100000.00",
          exact_output: "100012.425",
          residual: "12.425",
          quote_id: null,
          principal: "anonymous",
          position: null
        })
        assert.deepStrictEqual((yield* list()).data, [record.json])
      })
    )

    it.effect("lists each conversion once, newest first, while new ones are written", () =>
      Effect.gen(function* () {
        yield* convertMany(40)
        const before = yield* listAll({ page_size: "1000" }, Effect.void)
        assert.strictEqual(before.length, 41)
        assert.deepStrictEqual(before, before.toSorted().toReversed())
        const duringWrites = yield* listAll({ page_size: "7" }, convertMany(3))
        assert.deepStrictEqual(duringWrites, before)
        const after = yield* listAll({ page_size: "20" }, Effect.void)
        assert.strictEqual(after.length, 41 + 6 * 3)
        assert.deepStrictEqual(after.slice(-41), before)
        assert.strictEqual((yield* list()).data.length, 50)
      })
    )

    it.effect("filters by currencies, reference and time, across pages", () =>
      Effect.gen(function* () {
        const mine = [yield* convert("mine", "EUR", "KES"), yield* convert("mine", "EUR", "GHS")].toReversed()
        const other = yield* convert("other", "EUR", "KES")
        const ids = (query: Readonly<Record<string, string>>) =>
          listAll({ ...query, page_size: "1" }, Effect.void)
        assert.deepStrictEqual(yield* ids({ reference: "mine" }), mine)
        assert.deepStrictEqual(yield* ids({ from: "eur" }), [other, ...mine])
        assert.deepStrictEqual(yield* ids({ to: "kes", from: "EUR" }), [other, ...mine.slice(1)])
        assert.deepStrictEqual(yield* ids({ to: "GHS" }), mine.slice(0, 1))
        assert.deepStrictEqual(yield* ids({ reference: "mine' OR 1=1" }), [])
        yield* Effect.sleep("5 millis")
        const time = String((yield* get(`${LIST}/${yield* convert("later")}`)).json["converted_at"])
        assert.strictEqual((yield* list({ since: time })).data.length, 1)
        assert.deepStrictEqual(yield* ids({ reference: "mine", until: time }), mine)
        assert.deepStrictEqual(yield* ids({ reference: "later", until: time }), [])
        assert.deepStrictEqual(yield* ids({ reference: "mine", since: time }), [])
        for (const unknown of ["ZZZ", ""])
          assertProblem(yield* get(`${LIST}?from=${unknown}`), 422, "unsupported-currency")
      })
    )

    it.effect("returns 400 with a pointer to an invalid parameter", () =>
      Effect.gen(function* () {
        for (const size of ["1", "1000"]) assert.isAbove((yield* list({ page_size: size })).data.length, 0)
        const next = String((yield* list({ page_size: "1" })).next)
        assert.notInclude(next, String((yield* list({ page_size: "1" })).data[0]?.["audit_id"]))
        const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
          ["page_size", ["0", "1001", "-1", "1.5", "", "x", "Infinity", "1e999"]],
          ["cursor", ["", "x", UNKNOWN_ID, next.slice(1), next.slice(0, -4), "A".repeat(5_000), "%00"]],
          ["since", ["", "x", "2026-13-01", "yesterday"]],
          ["until", ["", "x", "NaN"]],
          ["after", ["", "-1", "1.5", "x", "1e3", "9".repeat(16), "999999999"]],
          ["reference", ["", "a\0b", "a\nb", "r".repeat(101)]]
        ]
        for (const [name, values] of cases) {
          for (const value of values) {
            const response = yield* get(`${LIST}?${new URLSearchParams({ [name]: value })}`)
            const { errors } = assertProblem(response, 400, "invalid-request")
            assert.strictEqual(
              JSON.stringify(errors).match(/"pointer":"([^"]*)"/)?.[1],
              `/query/${name}`,
              value
            )
          }
        }
      })
    )

    it.effect(
      "returns no records for a period without any, and 400 for times outside the range of PostgreSQL",
      () =>
        Effect.gen(function* () {
          for (const query of [{ since: "2999-12-31T23:59:59.999Z" }, { until: "1000-01-01T00:00:00+14:00" }])
            assert.deepStrictEqual((yield* list(query)).data, [])
          assert.isAbove((yield* list({ since: "2001-01-01" })).data.length, 0)
          for (const time of [
            "+275760-09-13T00:00:00.000Z",
            "-271821-04-20T00:00:00.000Z",
            "0000-01-01",
            "9999-01-01"
          ]) {
            for (const query of [{ since: time }, { until: time }])
              assertProblem(yield* get(`${LIST}?${new URLSearchParams(query)}`), 400, "invalid-request")
          }
        })
    )

    it.effect("returns 404 for an unknown id and 400 for an invalid one", () =>
      Effect.gen(function* () {
        for (const path of [`${LIST}/${UNKNOWN_ID}`, `${LIST}/${UNKNOWN_ID}/receipt`])
          assertProblem(yield* get(path), 404, "not-found")
        for (const id of ["1", "nonsense", UNKNOWN_ID.replace("-7", "-4")])
          assertProblem(yield* get(`${LIST}/${id}`), 400, "invalid-request")
      })
    )

    it.effect("returns 503 while the database is unavailable", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const id = yield* convert()
        yield* server.setDatabase("down")
        for (const accept of ["text/csv", "application/x-ndjson"]) {
          assertProblem(yield* get(LIST, { headers: { accept } }), 503, "store-unavailable")
        }
        for (const path of [
          LIST,
          `${LIST}/${id}`,
          `${LIST}/${id}/receipt`,
          "/api/v1/audit/heads",
          "/api/v1/audit/verify"
        ])
          assertProblem(yield* get(path), 503, "store-unavailable")
        yield* server.setDatabase("up")
        assert.strictEqual((yield* get(LIST)).status, 200)
      })
    )
  })

  describe("Audit export", () => {
    it.effect("writes CSV with a header, quotes special characters and disarms formulas", () =>
      Effect.gen(function* () {
        const cells = [
          ["=1+1", "'=1+1"],
          ["+1", "'+1"],
          // A plain negative number, such as a change of a balance, is no formula.
          ["-1", "-1"],
          ["-1+1", "'-1+1"],
          ["@SUM(A1)", "'@SUM(A1)"],
          ["\t=1", "'\t'=1"],
          ["\r=1", `"'\r'=1"`],
          ["\uff1d1+1", "'\uff1d1+1"],
          ["\uff0b1", "'\uff0b1"],
          [" =1", "' =1"],
          ["a;=1+1", "a;'=1+1"],
          ["a; \uff20x;-2", "a;' \uff20x;'-2"],
          ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
          ["a,b", '"a,b"'],
          ['say "x"', '"say ""x"""'],
          ["two\nlines", '"two\nlines"'],
          ["naïve ☃ 1=1", "naïve ☃ 1=1"]
        ] as const
        for (const [reference] of cells) yield* convert(reference)
        const id = yield* convert()
        const response = yield* exportAs("text/csv")
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.headers.get("content-type"), "text/csv; charset=utf-8")
        assert.include(response.headers.get("content-disposition") ?? "", "attachment")
        for (const [reference, cell] of cells) assert.include(response.text, `,${cell},tester`, reference)
        const { converted_at, rate_fetched_at, rate_id } = (yield* get(`${LIST}/${id}`)).json
        const [header, first] = response.text.split(/\r?\n/)
        assert.strictEqual(header, CSV_HEADER)
        assert.strictEqual(
          first,
          `${id},${converted_at},USD,NGN,source,500.00,746250.00,746250,0,1500,0.005,1492.5,${rate_id},test,${rate_fetched_at},false,,,tester,`
        )
      })
    )

    it.effect("writes NDJSON with the records and filters of the list", () =>
      Effect.gen(function* () {
        yield* convertMany(60)
        const response = yield* exportAs("application/x-ndjson")
        assert.strictEqual(response.headers.get("content-type"), "application/x-ndjson")
        const rows = response.text.trimEnd().split("\n").map(parseJsonObject)
        assert.deepStrictEqual(rows, (yield* list({ page_size: "1000" })).data)
        const some = yield* exportAs("application/json;q=0.1, application/x-ndjson", "reference=a%2Cb")
        assert.deepStrictEqual(
          some.text.trimEnd().split("\n").map(parseJsonObject),
          (yield* list({ reference: "a,b" })).data
        )
        const none = yield* exportAs("application/x-ndjson", "reference=none")
        assert.deepStrictEqual([none.status, none.text], [200, ""])
      })
    )
  })

  describe("GET /api/v1/audit/conversions?after=", () => {
    const seal = Effect.fnUntraced(function* () {
      yield* (yield* AuditSealer).sealAll
      const { position } = yield* list({ after: "0", page_size: "1000" })
      return position ?? assert.fail()
    })

    it.effect("returns sealed records in order, by position or by cursor, with their positions", () =>
      Effect.gen(function* () {
        const start = yield* seal()
        const ids = (yield* convertMany(5)).toSorted()
        assert.deepStrictEqual(yield* list({ after: String(start) }), {
          data: [],
          has_more: false,
          next: null,
          position: start
        })
        assert.strictEqual((yield* get(`${LIST}/${ids[0]}`)).json["position"], null)
        assert.strictEqual(yield* seal(), start + 5)
        const first = yield* list({ after: String(start), page_size: "2" })
        assert.deepStrictEqual(idsOf(first.data), ids.slice(0, 2))
        assert.deepInclude(first, { has_more: true, position: start + 2 })
        const byCursor = { after: String(start), page_size: "2", cursor: String(first.next) }
        for (const query of [{ after: String(first.position), page_size: "2" }, byCursor]) {
          const second = yield* list(query)
          assert.deepStrictEqual(idsOf(second.data), ids.slice(2, 4))
          assert.deepStrictEqual(
            second.data.map(({ position }) => position),
            [start + 3, start + 4]
          )
        }
        const last = yield* list({ after: String(start + 4) })
        assert.deepStrictEqual(last.data, [(yield* get(`${LIST}/${ids[4]}`)).json])
        assert.deepInclude(last, { has_more: false, next: null, position: start + 5 })
        const listed = yield* list({ page_size: "5" })
        assert.deepStrictEqual(
          listed.data.map(({ position }) => position),
          [5, 4, 3, 2, 1].map((n) => start + n)
        )
        for (const cursor of ["x", String((yield* list({ page_size: "1" })).next)]) {
          const query = new URLSearchParams({ after: "0", cursor })
          assertProblem(yield* get(`${LIST}?${query}`), 400, "invalid-request")
        }
      })
    )

    it.effect("exports in sealed order; NDJSON is marked as provable, CSV as not", () =>
      Effect.gen(function* () {
        const end = yield* seal()
        yield* convert("unsealed")
        const ndjson = yield* exportAs("application/x-ndjson", "after=0")
        const rows = ndjson.text.trimEnd().split("\n").map(parseJsonObject)
        assert.deepStrictEqual(rows, (yield* list({ after: "0", page_size: "1000" })).data)
        assert.deepStrictEqual(
          rows.map(({ position }) => position),
          Array.from({ length: end }, (_, i) => i + 1)
        )
        assert.strictEqual(ndjson.headers.get("x-audit-provable"), "true")
        const csv = yield* exportAs("text/csv", `after=${end - 1}`)
        const [header, line, ...others] = csv.text.trimEnd().split(/\r?\n/)
        assert.deepStrictEqual([header, others], [CSV_HEADER, []])
        assert.isTrue(line?.endsWith(`,${end}`), line)
        assert.strictEqual(csv.headers.get("x-audit-provable"), "false")
        const newest = yield* exportAs("application/x-ndjson", "reference=unsealed")
        assert.strictEqual(parseJsonObject(newest.text)["position"], null)
        assert.strictEqual(newest.headers.get("x-audit-provable"), "false")
        const filtered = yield* exportAs("application/x-ndjson", "after=0&to=NGN")
        assert.strictEqual(filtered.headers.get("x-audit-provable"), "false")
        for (const accept of ["text/csv", "application/x-ndjson"])
          assertProblem(
            yield* get(`${LIST}?after=${end + 1}`, { headers: { accept } }),
            400,
            "invalid-request"
          )
      })
    )
  })

  describe("Receipts, heads and verification", () => {
    it.effect("returns a receipt that is valid offline, and invalid for a changed record", () =>
      Effect.gen(function* () {
        const { publicKey } = yield* AuditSigner
        for (const id of yield* convertMany(5)) {
          const response = yield* get(`${LIST}/${id}/receipt`)
          assert.strictEqual(response.status, 200, response.text)
          const receipt = yield* Schema.decodeUnknownEffect(Receipt, { onExcessProperty: "error" })(
            response.json
          )
          const { position, ...record } = (yield* get(`${LIST}/${id}`)).json
          assert.deepStrictEqual({ ...receipt.record }, record)
          assert.strictEqual(receipt.position, position)
          assert.deepStrictEqual(findFault(receipt, publicKey), Option.none())
          const changed = { ...receipt, record: { ...receipt.record, output_amount: "746250.01" } }
          assert.isTrue(Option.isSome(findFault(changed, publicKey)))
        }
      })
    )

    it.effect(
      "returns the signed heads after a size, and a verification that agrees with the last head",
      () =>
        Effect.gen(function* () {
          const { publicKey } = yield* AuditSigner
          const Heads = Schema.Struct({ heads: Schema.Array(Receipt.fields.head) })
          const headsAfter = Effect.fnUntraced(function* (query: string) {
            const { json } = yield* get(`/api/v1/audit/heads${query}`)
            return (yield* Schema.decodeUnknownEffect(Heads)(json)).heads
          })
          const before = yield* headsAfter("")
          const size = before.at(-1)?.tree_size ?? assert.fail()
          const last = (yield* convertMany(3)).toSorted().at(-1)
          const receipt = yield* get(`${LIST}/${last}/receipt`)
          const heads = yield* headsAfter("")
          assert.deepStrictEqual(heads.slice(0, -1), before)
          const head = heads.at(-1) ?? assert.fail()
          assert.strictEqual(head.tree_size, size + 3)
          assert.deepStrictEqual({ ...head }, receipt.json["head"])
          assert.deepStrictEqual(yield* headsAfter(`?after=${size}`), [head])
          assert.deepStrictEqual(yield* headsAfter(`?after=${size + 3}`), [])
          for (const after of ["-1", "1.5", "x", "", "1e999", "1e1", "0x1"])
            assertProblem(yield* get(`/api/v1/audit/heads?after=${after}`), 400, "invalid-request")

          yield* convert()
          const verified = yield* get("/api/v1/audit/verify")
          assert.deepStrictEqual(verified.json, {
            ok: true,
            records: size + 3,
            head: head.chain_hash,
            unsealed: 1,
            public_keys: [publicKey.toString("hex")]
          })
        })
    )
  })
})

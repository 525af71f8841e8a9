import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as SandboxAssets from "../../../../src/assets/SandboxAssets.ts"
import { assertProblem, TestServer } from "../../../support/TestServer.ts"
import * as WalletPostings from "../../../support/WalletPostings.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

interface Transaction {
  readonly id: string
  readonly type: string
  readonly asset: string
  readonly change: string
  readonly balance: string
  readonly created_at: string
  readonly amount: string
  readonly counterparty: string | null
  readonly note: string | null
  readonly conversion_id: string | null
}

const PATH = "/api/v1/transactions"

/** A note that is markup, a formula, and a line of CSV. */
const HOSTILE = `=HYPERLINK("http://x";"y")<script>alert(1)</script>,';+1`
const WHALE = "123456789012345678.123456789012345678"

type User = Effect.Success<ReturnType<typeof WalletUsers.create>>

const page = (user: User, query: string) =>
  Effect.map(user.get(`${PATH}${query}`), ({ json, status, text }) => {
    assert.strictEqual(status, 200, text)
    return json as {
      readonly data: ReadonlyArray<Transaction>
      readonly has_more: boolean
      readonly next: string | null
    }
  })

const show = ({ asset, balance, change, type }: Transaction) => `${type} ${change} ${asset} = ${balance}`

layer(SandboxAssets.layer.pipe(Layer.provideMerge(TestServer.layer())), { excludeTestServices: true })(
  (it) => {
    describe("GET /api/v1/transactions", () => {
      it.effect("lists the movements of a wallet only, newest first, with running balances", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("ann", { USD: "100" })
          const ben = yield* WalletUsers.create("ben")
          yield* ann.post("/api/v1/transfers", { to: "ben", asset: "USD", amount: "25", note: "Dinner" })
          yield* ben.post("/api/v1/transfers", { to: "ann", asset: "USD", amount: "5.5" })
          const { data, ...rest } = yield* page(ann, "/")
          assert.deepStrictEqual(rest, { has_more: false, next: null })
          assert.deepStrictEqual(data.map(show), [
            "transfer 5.50 USD = 80.50",
            "transfer -25.00 USD = 75.00",
            "deposit 100.00 USD = 100.00"
          ])
          assert.include(data[1], { amount: "25.00", counterparty: "ben", note: "Dinner" })
          assert.deepStrictEqual((yield* page(ben, "")).data.map(show), [
            "transfer -5.50 USD = 19.50",
            "transfer 25.00 USD = 25.00"
          ])
        })
      )

      it.effect("pages by cursor without gaps when ten entries share one millisecond", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("pages")
          yield* WalletPostings.post(
            ann.wallet,
            Array.from({ length: 10 }, (_, n) => ({ changes: { [n % 2 === 0 ? "USD" : "ETH"]: `${n + 1}` } }))
          )
          const { data: all } = yield* page(ann, "")
          assert.strictEqual(new Set(all.map(({ created_at }) => created_at)).size, 1)
          assert.deepStrictEqual(
            all.filter(({ asset }) => asset === "USD").map(({ balance }) => balance),
            ["25.00", "16.00", "9.00", "4.00", "1.00"]
          )
          const seen: Array<Transaction> = []
          let cursor = ""
          do {
            const found = yield* page(ann, `?page_size=3${cursor}`)
            assert.strictEqual(found.has_more, found.next !== null)
            seen.push(...found.data)
            cursor = found.next === null ? "" : `&cursor=${found.next}`
          } while (cursor !== "")
          assert.deepStrictEqual(seen, all)
        })
      )

      it.effect("filters by asset in any case, type and time", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("filters", { USD: "1", EUR: "2" })
          yield* WalletPostings.post(ann.wallet, [{ kind: "withdrawal", changes: { EUR: "-0.5" } }])
          const list = (query: string) => Effect.map(page(ann, query), ({ data }) => data.map(show))
          assert.deepStrictEqual(yield* list("?asset=usd"), ["deposit 1.00 USD = 1.00"])
          assert.deepStrictEqual(yield* list("?type=withdrawal"), ["withdrawal -0.50 EUR = 1.50"])
          assert.deepStrictEqual(yield* list("?type=order.settlement"), [])
          assert.deepStrictEqual(yield* list("?asset=ETH"), [])
          const { data } = yield* page(ann, "")
          const [newest, , oldest] = data
          if (newest === undefined || oldest === undefined) return assert.fail("three rows")
          assert.deepStrictEqual(yield* list(`?until=${oldest.created_at}`), [])
          assert.include(yield* list(`?since=${newest.created_at}`), "withdrawal -0.50 EUR = 1.50")
          assert.strictEqual((yield* list(`?since=${oldest.created_at}&until=2999-01-01`)).length, 3)
        })
      )

      it.effect("refuses unknown assets, types, times, cursors and sizes", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("strict", { USD: "1" })
          for (const unknown of ["NOPE", ""])
            assertProblem(yield* ann.get(`${PATH}?asset=${unknown}`), 422, "unsupported-currency")
          const cursorOf = (position: string) => Buffer.from(position).toString("base64url")
          for (const query of [
            "?type=Transfer",
            "?type=order.refund",
            "?type=",
            "?type=a'--",
            "?since=yesterday",
            "?since=2026-02-01&until=2026-01-01",
            "?page_size=0",
            "?page_size=1001",
            "?cursor=x",
            `?cursor=${cursorOf("1,2")}`,
            `?cursor=${cursorOf("-1,1,1")}`,
            `?cursor=${cursorOf("1,9999999999999999999,1")}`,
            `?cursor=${cursorOf("1,1,9999999999999999999")}`,
            `?cursor=${cursorOf("999999999999999,1,1")}`
          ])
            assertProblem(yield* ann.get(PATH + query), 400, "invalid-request")
          const { json } = yield* ann.get(`${PATH}?type=bad`)
          assert.include(
            JSON.stringify(json["errors"]).replaceAll("\\", ""),
            '"transfer" | "deposit" | "withdrawal" | "conversion" | "order.settlement" | "adjustment"'
          )
          for (const position of ["99999999999999,1,1", "0,999999999999999999,999999999999999999", "0,1,0"])
            assert.strictEqual((yield* ann.get(`${PATH}?cursor=${cursorOf(position)}`)).status, 200, position)
        })
      )

      it.effect("exports CSV and NDJSON with every digit, and disarms formulas in notes", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("exports", { USD: "10" })
          yield* WalletUsers.create("receiver")
          yield* WalletPostings.post(ann.wallet, [{ changes: { ETH: WHALE } }])
          const sent = yield* ann.post("/api/v1/transfers", {
            to: "receiver",
            asset: "USD",
            amount: "1.5",
            note: HOSTILE
          })
          assert.strictEqual(sent.status, 201, sent.text)
          const csv = yield* ann.get(PATH, { accept: "text/csv" })
          assert.strictEqual(csv.headers.get("content-type"), "text/csv; charset=utf-8")
          assert.strictEqual(csv.headers.get("vary"), "Accept")
          assert.strictEqual(
            csv.headers.get("content-disposition"),
            'attachment; filename="transactions.csv"'
          )
          const [header, first = "", second = "", third = "", end] = csv.text.split("\r\n")
          assert.strictEqual(
            header,
            "created_at,type,asset,change,balance,amount,counterparty,note,reference,order_id,conversion_id,id"
          )
          // A negative amount is no formula.
          assert.include(first, ",transfer,USD,-1.50,8.50,1.50,receiver,")
          assert.include(first, `"'=HYPERLINK(""http://x"";""y"")<script>alert(1)</script>,';'+1"`)
          assert.include(second, `,deposit,ETH,${WHALE},${WHALE},${WHALE},,,,,,`)
          assert.include(third, ",deposit,USD,10.00,10.00,10.00,,,,,,")
          assert.strictEqual(end, "")

          const ndjson = yield* ann.get(`${PATH}?asset=ETH`, { accept: "application/x-ndjson" })
          assert.strictEqual(ndjson.headers.get("content-type"), "application/x-ndjson")
          const rows = ndjson.text.trimEnd().split("\n")
          assert.strictEqual(rows.length, 1)
          assert.include(JSON.parse(rows[0] ?? ""), { asset: "ETH", change: WHALE, balance: WHALE })
          const json = yield* page(ann, "")
          assert.include(json.data[0], { note: HOSTILE })
          assert.include(json.data[1], { balance: WHALE })
        })
      )
    })

    describe("GET /api/v1/transactions/{id}", () => {
      it.effect("returns both movements of a conversion, and nothing of others", () =>
        Effect.gen(function* () {
          const ann = yield* WalletUsers.create("converts", { USD: "100" })
          const ben = yield* WalletUsers.create("converts-not")
          const conversion_id = "01a22a41-7c10-7f3a-9d21-5b0c8e4f7a12"
          const [id] = yield* WalletPostings.post(ann.wallet, [
            { kind: "conversion", changes: { NGN: "1520.39", USD: "-1" }, details: { conversion_id } }
          ])
          const found = yield* ann.get(`${PATH}/${id}/`)
          const { movements, ...transaction } = found.json
          const rows = movements as ReadonlyArray<Transaction>
          assert.deepStrictEqual(transaction, { id, type: "conversion", created_at: rows[0]?.created_at })
          assert.deepStrictEqual(rows.map(show), [
            "conversion -1.00 USD = 99.00",
            "conversion 1520.39 NGN = 1520.39"
          ])
          for (const row of rows) assert.include(row, { id: id ?? "", conversion_id })
          assertProblem(yield* ben.get(`${PATH}/${id}`), 404, "not-found")
          for (const unknown of ["018f0000-0000-7000-8000-000000000000", "x", "1"])
            assertProblem(yield* ann.get(`${PATH}/${unknown}`), 404, "not-found")
        })
      )
    })
  }
)

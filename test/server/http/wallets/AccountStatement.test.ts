import { assert, describe, it as test, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import * as SandboxAssets from "../../../../src/assets/SandboxAssets.ts"
import * as Decimal from "../../../../src/domain/money/Decimal.ts"
import * as StatementHtml from "../../../../src/server/http/wallets/StatementHtml.ts"
import { assertProblem, TestServer } from "../../../support/TestServer.ts"
import * as WalletPostings from "../../../support/WalletPostings.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const PATH = "/api/v1/accounts/statement"
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
const WHALE = "123456789012345678.123456789012345678"
const HOSTILE = `"><img src=x onerror=alert(1)><script>'&</script>`

interface Line {
  readonly type: string
  readonly asset: string
  readonly change: string | null
  readonly balance: string
  readonly created_at: string
}

interface Section {
  readonly asset: string
  readonly opening: string
  readonly closing: string
  readonly change: string
  readonly movements: number
}

const amount = (text: string) => BigDecimal.fromStringUnsafe(text)

layer(SandboxAssets.layer.pipe(Layer.provideMerge(TestServer.layer())), { excludeTestServices: true })(
  "GET /api/v1/accounts/statement",
  (it) => {
    it.effect("has opening balances to which the changes add up, in JSON, CSV and NDJSON", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("ann", { USD: "100" })
        yield* WalletPostings.post(
          ann.wallet,
          Array.from({ length: 20 }, (_, n) => ({
            changes: { USD: n % 3 === 0 ? "-1.01" : "0.5", ...(n % 5 === 0 ? { ETH: WHALE } : {}) }
          }))
        )
        const { json } = yield* ann.get("/api/v1/transactions?asset=USD")
        const rows = json["data"] as ReadonlyArray<Line>
        const since = rows[0]?.created_at ?? ""
        const summary = yield* ann.get(`${PATH}/?since=${since}`)
        assert.strictEqual(summary.status, 200, summary.text)
        const { balances, until: end, ...heading } = summary.json
        const until = String(end)
        assert.deepStrictEqual(heading, { wallet_id: ann.wallet.id, username: "ann", since })
        const sections = balances as ReadonlyArray<Section>
        assert.deepStrictEqual(
          sections.map(({ asset, closing }) => [asset, closing]),
          [
            ["ETH", "493827156049382712.493827156049382712"],
            ["USD", "99.43"]
          ]
        )
        const ndjson = yield* ann.get(`${PATH}?since=${since}&until=${until}`, {
          accept: "application/x-ndjson"
        })
        const lines = ndjson.text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as Line)
        for (const { asset, change, closing, movements, opening } of sections) {
          const own = lines.filter((line) => line.asset === asset)
          assert.strictEqual(own.length, movements + 2)
          assert.include(own[0], { type: "opening_balance", balance: opening, created_at: since })
          assert.include(own.at(-1), { type: "closing_balance", balance: closing, created_at: until })
          let balance = amount(opening)
          for (const row of own.slice(1, -1)) {
            balance = BigDecimal.sum(balance, amount(row.change ?? ""))
            assert.strictEqual(Decimal.format(balance), Decimal.format(amount(row.balance)))
          }
          assert.strictEqual(Decimal.format(balance), Decimal.format(amount(closing)))
          assert.strictEqual(
            Decimal.format(BigDecimal.sum(amount(opening), amount(change))),
            Decimal.format(balance)
          )
        }
        const csv = yield* ann.get(`${PATH}?since=${since}&until=${until}&asset=usd`, {
          accept: "text/csv"
        })
        assert.include(csv.text, `${since},opening_balance,USD,,`)
        assert.include(csv.text, `${until},closing_balance,USD,,99.43,,,,,,,\r\n`)
        assert.notInclude(csv.text, "ETH")
        assert.strictEqual(csv.headers.get("content-disposition"), 'attachment; filename="statement.csv"')
      })
    )

    it.effect("is a page to print that escapes everything and runs nothing", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("page-ann", { USD: "10" })
        yield* WalletUsers.create("page-ben")
        yield* WalletPostings.post(ann.wallet, [{ changes: { ETH: WHALE } }])
        yield* ann.post("/api/v1/transfers", { to: "page-ben", asset: "USD", amount: "1.5", note: HOSTILE })
        const page = yield* ann.get(`${PATH}?since=2020-01-01`, { accept: BROWSER })
        assert.strictEqual(page.status, 200, page.text)
        assert.strictEqual(page.headers.get("content-type"), "text/html; charset=utf-8")
        assert.strictEqual(page.headers.get("vary"), "Accept")
        assert.strictEqual(page.headers.get("cache-control"), "no-store")
        const style = /<style>([^]*)<\/style>/.exec(page.text)?.[1] ?? ""
        const hash = createHash("sha256").update(style).digest("base64")
        assert.strictEqual(
          page.headers.get("content-security-policy"),
          `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
        )
        assert.notMatch(page.text, /<script|<img|<link|<iframe| style=|\son[a-z]+=["']/)
        assert.include(
          page.text,
          "<bdi>&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;&#39;&amp;&lt;/script&gt;</bdi>"
        )
        assert.include(page.text, "<h2>ETH: Ether</h2>")
        assert.include(page.text, `<td>${WHALE}</td>`)
        assert.include(page.text, "Transfer to page-ben")
        assert.include(page.text, "<td>-1.50</td><td>8.50</td>")
        assert.strictEqual(page.text.split("Opening balance").length, 3)
        assert.strictEqual(page.text.split("Closing balance").length, 3)
        assert.isTrue(page.text.endsWith("</html>\n"))
      })
    )

    it.effect("is empty before the first movement, and has assets that did not move", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("idle", { USD: "10" })
        const before = yield* ann.get(`${PATH}?since=2020-01-01&until=2020-02-01`, { accept: "text/html" })
        assert.include(before.text, "nothing moved in this period")
        yield* Effect.sleep("5 millis")
        const now = new Date().toISOString()
        const after = yield* ann.get(`${PATH}?since=${now}&until=${now}`)
        assert.deepStrictEqual(after.json["balances"], [
          { asset: "USD", opening: "10.00", closing: "10.00", change: "0.00", movements: 0 }
        ])
      })
    )

    it.effect("refuses periods in the future, and backward ones", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("strict")
        for (const query of [
          "",
          "?since=2020-01-01&until=2999-01-01",
          "?since=2999-01-01",
          "?since=2020-02-01&until=2020-01-01",
          "?since=x"
        ])
          assertProblem(yield* ann.get(PATH + query), 400, "invalid-request")
        assertProblem(yield* ann.get(`${PATH}?since=2020-01-01&asset=NOPE`), 422, "unsupported-currency")
      })
    )
  }
)

describe("StatementHtml", () => {
  test("escapes what could end text or an attribute", () => {
    assert.strictEqual(StatementHtml.escape(`a&b<c>d"e'f`), "a&amp;b&lt;c&gt;d&quot;e&#39;f")
  })
})

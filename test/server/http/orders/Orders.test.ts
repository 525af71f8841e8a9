import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"
import * as Callers from "../../../support/Callers.ts"
import { ScriptedExchange } from "../../../support/ScriptedExchange.ts"
import * as TestSettlement from "../../../support/TestSettlement.ts"
import { tick } from "../../../support/RateTicks.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

/** Lists an asset, whose price is 4 US dollars. */
const list = Effect.fnUntraced(function* (code: string, fields: { readonly tradable?: boolean } = {}) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
  yield* (yield* ScriptedExchange).always({ does: "fill", price: "4" })
  yield* (yield* AssetCatalog).change({
    definition: {
      code: AssetCode.make(code),
      kind: "crypto",
      name: code,
      decimals: 8,
      tradable: true,
      minimumOrder: null,
      providerSymbols: {},
      exchangeSymbol: null,
      state: "listed",
      ...fields
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

const rowsOf = Schema.decodeUnknownSync(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))

layer(TestServer.layer({ ORDER_SPREAD: "0" }), { excludeTestServices: true })((it) => {
  describe("POST /api/v1/orders", () => {
    it.effect("places an order in the shape of older clients", () =>
      Effect.gen(function* () {
        yield* list("OLD")
        const ann = yield* WalletUsers.create("old-ann", { USD: "100" })
        const placed = yield* ann.post("/api/v1/orders/", { crypto: "old", amount: 3 })
        assert.strictEqual(placed.status, 201, placed.text)
        assert.strictEqual(placed.headers.get("cache-control"), "no-store")
        const { created_at: _, id, ...fields } = placed.json
        assert.deepStrictEqual(fields, {
          client_order_id: null,
          asset: "OLD",
          crypto: "OLD",
          side: "buy",
          amount: "3",
          price: "4.00",
          total_price: "12.00",
          fee: "0.00",
          state: "pending",
          reason: null,
          is_aggregated: false,
          filled: null,
          charged: null,
          completed_at: null
        })
        yield* TestSettlement.settle
        const { json } = yield* ann.get(`/api/v1/orders/${String(id)}/`)
        assert.include(json, { state: "completed", filled: "3", charged: "12.00", pool: null })
        assert.isString(json["completed_at"])
        assert.deepStrictEqual(yield* ann.balances, ["OLD 3", "USD 88"])
        const { json: statement } = yield* ann.get("/api/v1/transactions?type=order.settlement")
        assert.deepStrictEqual(
          rowsOf(statement["data"]).map((row) => row["order_id"]),
          [id, id]
        )
      })
    )

    it.effect("returns the first outcome of a key, and of the client's own id", () =>
      Effect.gen(function* () {
        yield* list("KEYS")
        const ann = yield* WalletUsers.create("keys-ann", { USD: "20" })
        const buy = (fields: object, headers = {}) =>
          ann.post("/api/v1/orders", { asset: "KEYS", side: "buy", amount: "1", ...fields }, headers)
        const first = yield* buy({}, { "idempotency-key": "one" })
        const again = yield* buy({ amount: "1.0" }, { "idempotency-key": "one" })
        assert.deepStrictEqual([again.status, again.text], [201, first.text])
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        const named = yield* buy({ client_order_id: "mine" })
        assert.strictEqual((yield* buy({ client_order_id: "mine" })).text, named.text)
        assertProblem(yield* buy({ amount: "2" }, { "idempotency-key": "one" }), 422, "idempotency-mismatch")
        for (const headers of [{}, { "idempotency-key": "new" }]) {
          const other = yield* buy({ amount: "2", client_order_id: "mine" }, headers)
          assertProblem(other, 422, "idempotency-mismatch")
          assert.match(String(other.json["detail"]), /^This client_order_id was used/)
        }
        const refused = yield* buy({ amount: "10" }, { "idempotency-key": "two" })
        assert.include(refused.json, { code: "insufficient-funds", available: "12.00" })
        yield* WalletUsers.fund(ann.wallet, { USD: "100" })
        assert.strictEqual((yield* buy({ amount: "10" }, { "idempotency-key": "two" })).status, 402)
      })
    )

    it.effect("sells a delisted asset at its latest price, and buys none", () =>
      Effect.gen(function* () {
        yield* list("GONE")
        const ann = yield* WalletUsers.create("gone-ann", { USD: "100", GONE: "5" })
        yield* (yield* AssetCatalog).delist({
          code: AssetCode.make("GONE"),
          principal: "test",
          expectedVersion: Option.none()
        })
        const order = (side: string) => ann.post("/api/v1/orders", { asset: "GONE", side, amount: "3" })
        assertProblem(yield* order("buy"), 422, "asset-unavailable")
        assert.include((yield* order("sell")).json, { side: "sell", total_price: "12.00", state: "pending" })
        yield* TestSettlement.settle
        assert.deepStrictEqual(yield* ann.balances, ["GONE 2", "USD 112"])
      })
    )

    it.effect("refuses what is not an order, and what cannot be ordered", () =>
      Effect.gen(function* () {
        yield* list("ASK")
        yield* list("HELD", { tradable: false })
        const ann = yield* WalletUsers.create("ask-ann", { USD: "100" })
        const post = (body: object) => ann.post("/api/v1/orders", body)
        const buy = { asset: "ASK", side: "buy", amount: "1" }
        for (const body of [
          {},
          { amount: "1" },
          { asset: "ASK", amount: "1" },
          { asset: "ASK", side: "hold", amount: "1" },
          { asset: "ASK", side: "buy" },
          { ...buy, crypto: "ASK" },
          { ...buy, notional: "1" },
          { ...buy, client_order_id: "" },
          { ...buy, client_order_id: "x".repeat(129) },
          { ...buy, extra: 1 },
          ...["0", "-1", "1e2", "", "1.123456789", true].map((amount) => ({ ...buy, amount })),
          { asset: "ASK", side: "buy", notional: "1.001" }
        ])
          assertProblem(yield* post(body), 400, "invalid-request")
        // Sent as a number, of which a client may have lost digits.
        const notional = yield* post({ asset: "ASK", side: "buy", notional: 1234567890123456 })
        assert.include(notional.text, '"/body/notional"')
        for (const asset of ["", "NOPE", "EUR", "HELD"]) {
          const refused = assertProblem(yield* post({ ...buy, asset }), 422, "asset-unavailable")
          const terms = yield* ann.get(`/api/v1/orders/terms?asset=${asset}`)
          assert.strictEqual(assertProblem(terms, 422, "asset-unavailable")["detail"], refused["detail"])
        }
        assertProblem(yield* post({ ...buy, side: "sell", amount: "0.001" }), 422, "order-too-small")
        assert.deepStrictEqual(yield* ann.balances, ["USD 100"])
      })
    )
  })

  describe("GET /api/v1/orders", () => {
    it.effect("lists the orders of the user, by state and asset, page by page", () =>
      Effect.gen(function* () {
        yield* list("LISA")
        yield* list("LISB")
        const ann = yield* WalletUsers.create("list-ann", { USD: "100" })
        const ben = yield* WalletUsers.create("list-ben", { USD: "100" })
        const ids: Array<unknown> = []
        for (const asset of ["LISA", "LISB", "LISA"]) {
          const { json } = yield* ann.post("/api/v1/orders", { asset, side: "buy", amount: "0.5" })
          ids.unshift(json["id"])
        }
        const page = Effect.fnUntraced(function* (query: string) {
          const { json, status, text } = yield* ann.get(`/api/v1/orders?${query}`)
          assert.strictEqual(status, 200, text)
          return { ids: rowsOf(json["data"]).map(({ id }) => id), next: json["next"] }
        })
        assert.deepStrictEqual((yield* page("")).ids, ids)
        assert.deepStrictEqual((yield* page("asset=lisb")).ids, [ids[1]])
        assert.deepStrictEqual((yield* page("state=completed")).ids, [])
        const first = yield* page("page_size=2")
        assert.deepStrictEqual(first.ids, ids.slice(0, 2))
        assert.deepStrictEqual((yield* page(`page_size=2&cursor=${String(first.next)}`)).ids, ids.slice(2))
        assertProblem(yield* ann.get("/api/v1/orders?cursor=x"), 400, "invalid-request")
        for (const unknown of ["NOPE", "x".repeat(40), ""])
          assertProblem(yield* ann.get(`/api/v1/orders?asset=${unknown}`), 422, "unsupported-currency")
        // The order of another user does not exist.
        const others = `/api/v1/orders/${String(ids[0])}`
        assertProblem(yield* ben.get(others), 404, "not-found")
        assertProblem(yield* ben.get(`${others}/allocation`), 404, "not-found")
        assertProblem(yield* ben.delete(others), 404, "not-found")
        assertProblem(yield* ben.get("/api/v1/orders/nonsense"), 404, "not-found")
      })
    )

    it.effect("shows the progress of a pool, and the proof of each share", () =>
      Effect.gen(function* () {
        yield* list("POOL")
        const ann = yield* WalletUsers.create("pool-ann", { USD: "100" })
        const ben = yield* WalletUsers.create("pool-ben", { USD: "100" })
        const buy = (user: typeof ann, amount: string) =>
          Effect.map(
            user.post("/api/v1/orders", { asset: "POOL", side: "buy", amount }),
            ({ json }) => `/api/v1/orders/${String(json["id"])}`
          )
        const mine = yield* buy(ann, "1")
        const cancelled = yield* buy(ann, "0.5")
        const { json: waiting } = yield* ann.get(mine)
        const pool: unknown = waiting["pool"]
        assert.deepInclude(pool, { orders: 2, total: "6.00", threshold: "10.00" })
        assertProblem(yield* ann.get(`${mine}/allocation`), 404, "not-found")
        assert.include((yield* ann.delete(cancelled)).json, { state: "cancelled" })
        assertProblem(yield* ann.delete(cancelled), 409, "order-not-cancellable")
        yield* buy(ben, "2")
        yield* (yield* ScriptedExchange).script([{ does: "fill", price: "4", part: "0.5" }])
        yield* TestSettlement.settle
        const { json: proof } = yield* ann.get(`${mine}/allocation`)
        assert.include(proof, {
          rule: "largest-remainder",
          unit: "0.00000001",
          ordered: "3",
          filled: "1.5",
          sum: "3"
        })
        assert.deepStrictEqual(
          rowsOf(proof["orders"])
            .map(({ charged, filled, is_yours }) => [is_yours, filled, charged])
            .toSorted(),
          [
            [false, "1", "4.00"],
            [true, "0.5", "2.00"]
          ]
        )
        const { json: done } = yield* ann.get(mine)
        assert.deepStrictEqual(
          rowsOf(done["history"]).map(({ state }) => state),
          ["aggregated", "submitted", "completed"]
        )
      })
    )
  })

  describe("GET /api/v1/admin/batches", () => {
    it.effect("shows batches to administrators, and retries them", () =>
      Effect.gen(function* () {
        yield* list("ADMI")
        const { authorization = "" } = yield* Callers.user("administrator")
        const ann = yield* WalletUsers.create("admin-ann", { USD: "100" })
        const call = (path: string, init: RequestInit = {}) =>
          get(`/api/v1/admin/batches${path}`, {
            ...init,
            headers: { authorization, "content-type": "application/json" }
          })
        const retry = (id: string, body: object = { reason: "try" }) =>
          call(`/${id}/retry`, { method: "POST", body: JSON.stringify(body) })
        yield* (yield* ScriptedExchange).script([{ does: "open" }])
        yield* ann.post("/api/v1/orders", { asset: "ADMI", side: "buy", amount: "3" })
        yield* TestSettlement.settle
        const { json: page } = yield* call("?state=sent&dead=false")
        const [batch = {}] = rowsOf(page["data"])
        const id = String(batch["id"])
        assert.include(batch, {
          asset: "ADMI",
          orders: 1,
          amount: "3",
          total: "12.00",
          state: "sent",
          submissions: 1
        })
        yield* (yield* ScriptedExchange).update(id, { state: "cancelled" })
        const retried = yield* retry(id)
        assert.include(retried.json, { id, failures: 0, dead_at: null })
        yield* TestSettlement.settle
        const { json: found } = yield* call(`/${id}/`)
        assert.include(found, { state: "allocated", reason: "not-filled", filled: "0" })
        assertProblem(yield* retry(id), 409, "already-decided")
        assertProblem(yield* retry(id, {}), 400, "invalid-request")
        assertProblem(yield* call("/nonsense"), 404, "not-found")
        assertProblem(yield* ann.get("/api/v1/admin/batches"), 403, "forbidden")
        assert.deepStrictEqual(yield* ann.balances, ["USD 100"])
      })
    )
  })
})

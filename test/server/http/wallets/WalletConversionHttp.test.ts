import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { AuditSealer } from "../../../../src/audit/AuditSealer.ts"
import { AuditVerifier } from "../../../../src/audit/AuditVerifier.ts"
import { verifyReceipt } from "../../../../src/client/promise/conversion/ReceiptVerifier.ts"
import { LedgerVerifier } from "../../../../src/ledger/LedgerVerifier.ts"
import * as Callers from "../../../support/Callers.ts"
import { rate, TestProvider } from "../../../support/TestProvider.ts"
import { assertProblem, get, type ServerResponse, TestServer } from "../../../support/TestServer.ts"
import { imbalances } from "../../../support/WalletConversionRequests.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const CONVERT = "/api/v1/accounts/wallet/convert"
const QUOTES = "/api/v1/accounts/wallet/quotes"

type User = Effect.Success<ReturnType<typeof WalletUsers.create>>

const setRate = (value: string) =>
  Effect.flatMap(TestProvider, (provider) => provider.respondWith(rate(value)))

const convert = (user: User, fields: object, key?: string) =>
  user.post(
    CONVERT,
    { from: "USD", to: "NGN", amount: "10", ...fields },
    key === undefined ? {} : { "idempotency-key": key }
  )

const auditIdOf = ({ json }: ServerResponse) => {
  const { conversion } = json
  return typeof conversion === "object" && conversion !== null && "audit_id" in conversion
    ? String(conversion.audit_id)
    : ""
}

/** Without the members that only this problem has. */
const assertInsufficient = (response: ServerResponse, expected: string) => {
  const { available, ...problem } = response.json
  assertProblem({ ...response, json: problem }, 402, "insufficient-funds")
  assert.strictEqual(available, expected)
}

layer(TestServer.layer({ MAX_AGE_FLOOR: "0 seconds" }), { excludeTestServices: true })((it) => {
  describe("POST /api/v1/accounts/wallet/convert", () => {
    it.effect("returns the conversion, the movements and the new balances", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("ann", { USD: "600" })
        const response = yield* convert(ann, { from: "usd", to: "ngn", amount: "500.00" })
        assert.strictEqual(response.status, 201, response.text)
        assert.strictEqual(response.headers.get("cache-control"), "no-store")
        const id = auditIdOf(response)
        const { balances, conversion, transactions } = response.json
        assert.deepStrictEqual(balances, [
          { asset: "USD", balance: "100.00" },
          { asset: "NGN", balance: "760197.48" }
        ])
        assert.deepInclude(conversion, {
          input_amount: "500.00",
          output_amount: "760197.48",
          margin: "0.005"
        })
        const movements = Array.isArray(transactions) ? transactions : []
        const shared = { id, type: "conversion", conversion_id: id, counterparty: null }
        assert.strictEqual(movements.length, 2)
        assert.deepInclude(movements[0], { ...shared, asset: "USD", change: "-500.00" })
        assert.deepInclude(movements[1], { ...shared, asset: "NGN", change: "760197.48" })
      })
    )

    it.effect("returns the first outcome of a key, byte for byte, also that of a refusal", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("retry-ann", { USD: "15" })
        const first = yield* convert(ann, {}, "key 1")
        yield* WalletUsers.fund(ann.wallet, { NGN: "5" })
        const again = yield* convert(ann, { amount: "10.00", amount_type: "source" }, "key 1")
        assert.strictEqual(again.status, 201)
        assert.strictEqual(again.text, first.text)
        assert.isNull(first.headers.get("idempotency-replayed"))
        assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
        for (const fields of [{ amount: "11" }, { to: "KES" }, { from: "XYZ" }, { to: "USD" }])
          assertProblem(yield* convert(ann, fields, "key 1"), 422, "idempotency-mismatch")
        const send = { to: "retry-ann", asset: "USD", amount: "10" }
        yield* WalletUsers.create("retry-ben")
        assertProblem(
          yield* ann.post("/api/v1/transfers", { ...send, to: "retry-ben" }, { "idempotency-key": "key 1" }),
          422,
          "idempotency-mismatch"
        )
        assertInsufficient(yield* convert(ann, {}, "key 2"), "5.00")
        yield* WalletUsers.fund(ann.wallet, { USD: "100" })
        assertInsufficient(yield* convert(ann, {}, "key 2"), "5.00")
        assert.strictEqual((yield* convert(ann, {}, "key 3")).status, 201)
      })
    )

    it.effect("takes the amount to receive, a reference and the largest age of the rate", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("fields-ann", { USD: "600" })
        const response = yield* convert(ann, {
          amount: "100000",
          amount_type: "target",
          reference: "rent",
          max_age: "1 hour"
        })
        assert.strictEqual(response.status, 201, response.text)
        assert.deepInclude(response.json["conversion"], { input_amount: "65.78", reference: "rent" })
      })
    )

    it.effect("refuses other assets, unknown currencies, equal currencies and bad fields", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("strict-ann", { USD: "600" })
        const admin = yield* Callers.user("administrator")
        const listed = yield* get("/api/v1/admin/assets/BTC", {
          method: "PUT",
          headers: { authorization: admin.authorization ?? "" },
          body: JSON.stringify({ kind: "crypto", name: "Bitcoin", decimals: 8 })
        })
        assert.isBelow(listed.status, 300, listed.text)
        for (const fields of [{ to: "BTC" }, { from: "btc" }]) {
          const problem = assertProblem(yield* convert(ann, fields), 422, "asset-unavailable")
          assert.include(problem["detail"], "POST /api/v1/orders")
          assertProblem(
            yield* ann.post(QUOTES, { from: "USD", to: "NGN", amount: "1", ...fields }),
            422,
            "asset-unavailable"
          )
        }
        assertProblem(yield* convert(ann, { to: "XYZ" }), 422, "unsupported-currency")
        assertProblem(yield* convert(ann, { to: "USD" }), 422, "unsupported-pair")
        for (const fields of [
          { amount: "0" },
          { amount: "-1" },
          { amount: "1.001" },
          { amount: "1e2" },
          { amount: true },
          { amount_type: "both" },
          { reference: "" },
          { max_age: "soon" },
          { quote_id: "7" },
          { from_currency: "USD" }
        ])
          assertProblem(yield* convert(ann, fields), 400, "invalid-request")
        assertProblem(yield* convert(ann, {}, "k".repeat(256)), 400, "invalid-request")
        assert.deepStrictEqual(yield* ann.balances, ["USD 600"])
      })
    )

    it.effect("lets an API key convert for a user, as whom the record is stored", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("acted-ann", { USD: "600" })
        const { authorization = "" } = yield* Callers.withScopes("wallets")
        const response = yield* get(CONVERT, {
          method: "POST",
          body: JSON.stringify({ from: "USD", to: "NGN", amount: "1" }),
          headers: { authorization, "effex-on-behalf-of": ann.wallet.userId }
        })
        assert.strictEqual(response.status, 201, response.text)
        const id = auditIdOf(response)
        const record = yield* get(`/api/v1/audit/conversions/${id}`)
        assert.strictEqual(record.json["principal"], `user:${ann.wallet.userId}`)
        assert.strictEqual((yield* ann.get(`/api/v1/accounts/wallet/conversions/${id}`)).text, response.text)
        const admin = yield* Callers.user("administrator")
        const transfer = yield* get(`/api/v1/admin/ledger/transfers/${id}`, {
          headers: { authorization: admin.authorization ?? "" }
        })
        assert.deepInclude(transfer.json["details"], { conversion_id: id })
        assert.property(transfer.json["details"], "requested_by")
      })
    )
  })

  describe("Quotes of the wallet", () => {
    it.effect("belong to their user, and one conversion uses them", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("quote-ann", { USD: "6000" })
        const ben = yield* WalletUsers.create("quote-ben", { USD: "600" })
        const created = yield* ann.post(QUOTES, { from: "USD", to: "NGN", amount: "500", ttl: "1 minute" })
        assert.strictEqual(created.status, 201, created.text)
        const id = String(created.json["quote_id"])
        assert.deepInclude(created.json, { state: "open", output_amount: "760197.48" })
        assertProblem(yield* ben.get(`${QUOTES}/${id}`), 404, "not-found")
        assertProblem(yield* convert(ben, { amount: "500", quote_id: id }), 404, "not-found")
        const mismatch = assertProblem(
          yield* convert(ann, { to: "KES", amount: "500", quote_id: id }),
          400,
          "invalid-request"
        )
        assert.strictEqual(mismatch["detail"], "/body/to: must be NGN, as in the quote")
        assertProblem(
          yield* convert(ann, { amount: "500", quote_id: id, max_age: "1 minute" }),
          400,
          "invalid-request"
        )
        const results = yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => `quote ${n}`),
          (key) => convert(ann, { amount: "500", quote_id: id.toUpperCase() }, key),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(results.filter(({ status }) => status === 201).length, 1)
        for (const result of results) if (result.status !== 201) assertProblem(result, 409, "quote-used")
        assert.deepStrictEqual(yield* ann.balances, ["NGN 760197.48", "USD 5500"])
        const used = yield* ann.get(`${QUOTES}/${id}`)
        const winner = results.find(({ status }) => status === 201) ?? assert.fail()
        assert.deepInclude(used.json, { state: "used", audit_id: auditIdOf(winner) })
      })
    )
  })

  describe("POST /api/v1/convert and /api/v1/quotes with the token of a user", () => {
    it.effect("do not find the quotes of the wallet, nor the wallet theirs", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("two-kinds-ann", { USD: "600" })
        const body = { from_currency: "USD", to_currency: "NGN", amount: "500" }
        const created = yield* ann.post(QUOTES, { from: "USD", to: "NGN", amount: "500" })
        const ofWallet = String(created.json["quote_id"])
        const ofService = String((yield* ann.post("/api/v1/quotes", body)).json["quote_id"])

        assertProblem(yield* ann.post("/api/v1/convert", { ...body, quote_id: ofWallet }), 404, "not-found")
        assertProblem(yield* ann.get(`/api/v1/quotes/${ofWallet}`), 404, "not-found")
        assertProblem(yield* convert(ann, { amount: "500", quote_id: ofService }), 404, "not-found")
        assertProblem(yield* ann.get(`${QUOTES}/${ofService}`), 404, "not-found")

        assert.strictEqual((yield* convert(ann, { amount: "500", quote_id: ofWallet })).status, 201)
        assert.strictEqual((yield* ann.post("/api/v1/convert", { ...body, quote_id: ofService })).status, 200)
        assert.deepStrictEqual(yield* ann.balances, ["NGN 760197.48", "USD 100"])
      })
    )

    it.effect("record another principal than a conversion in the wallet", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("principal-ann")
        const body = { from_currency: "USD", to_currency: "NGN", amount: "500" }
        const { json } = yield* ann.post("/api/v1/convert", body)
        const record = yield* get(`/api/v1/audit/conversions/${String(json["audit_id"])}`)
        assert.strictEqual(record.json["principal"], `access-token:${ann.wallet.userId}`)
      })
    )
  })

  describe("GET /api/v1/accounts/wallet/conversions/:audit_id", () => {
    it.effect("returns what the conversion returned, and its receipt, to its user only", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("read-ann", { USD: "600" })
        const ben = yield* WalletUsers.create("read-ben")
        const response = yield* convert(ann, {})
        const path = `/api/v1/accounts/wallet/conversions/${auditIdOf(response)}`
        assert.strictEqual((yield* ann.get(path)).text, response.text)
        for (const suffix of ["", "/receipt"]) assertProblem(yield* ben.get(path + suffix), 404, "not-found")
        yield* (yield* AuditSealer).sealAll
        const receipt = yield* ann.get(`${path}/receipt`)
        const { json: keys } = yield* get("/api/v1/audit/keys")
        const verified = yield* Effect.promise(() => verifyReceipt(receipt.text, String(keys["public_key"])))
        assert.strictEqual(verified.record.auditId, auditIdOf(response))
        const tampered = receipt.text.replace('"10.00"', '"11.00"')
        const failure = yield* Effect.promise(() =>
          verifyReceipt(tampered, String(keys["public_key"])).then(
            () => "accepted",
            () => "refused"
          )
        )
        assert.strictEqual(failure, "refused")
      })
    )

    it.effect("leaves books that balance and verify after conversions there and back", () =>
      Effect.gen(function* () {
        yield* setRate("1528.0351515")
        const ann = yield* WalletUsers.create("there-ann", { USD: "600" })
        yield* convert(ann, { amount: "500" })
        yield* setRate("0.000654435204")
        const back = yield* convert(ann, { from: "NGN", to: "USD", amount: "760197.48" })
        assert.strictEqual(back.status, 201, back.text)
        assert.deepStrictEqual(yield* ann.balances, ["NGN 0", "USD 595.01"])
        assert.deepStrictEqual(yield* imbalances, [])
        const ledger = yield* (yield* LedgerVerifier).verify
        assert.strictEqual(ledger.ok, true)
        const audit = yield* (yield* AuditVerifier).verify
        assert.strictEqual(audit.ok, true)
      })
    )
  })
})

import { assert, describe, layer } from "@effect/vitest"
import { Clock, DateTime, Duration, Effect, Layer } from "effect"
import * as SandboxAssets from "../../../../src/assets/SandboxAssets.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { Ledger } from "../../../../src/ledger/Ledger.ts"
import { walletAccount, Wallets } from "../../../../src/wallets/Wallets.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import * as Callers from "../../../support/Callers.ts"
import * as Postings from "../../../support/Postings.ts"
import { tick } from "../../../support/RateTicks.ts"
import { failing, TestProvider } from "../../../support/TestProvider.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"
import * as WalletPostings from "../../../support/WalletPostings.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

const PRICES: Readonly<Record<string, string>> = {
  "NGN:USD": "0.000654435204",
  "EUR:USD": "1.08"
}

const quotePrices = Effect.flatMap(TestProvider, ({ respondWith }) =>
  respondWith((pair) => {
    const price = PRICES[pair.key]
    return price === undefined ? failing(pair) : tick(pair.from, pair.to, price)
  })
)

layer(SandboxAssets.layer.pipe(Layer.provideMerge(TestServer.layer({ LOOKUP_BUDGET: "5 seconds" }))), {
  excludeTestServices: true
})((it) => {
  describe("GET /api/v1/accounts/wallet", () => {
    it.effect("returns the balances, and their value at rates that it names", () =>
      Effect.gen(function* () {
        yield* quotePrices
        const ann = yield* WalletUsers.create("ann", { USD: "500", NGN: "1000000.01", BTC: "0.5" })
        yield* (yield* RateRepo).insert(yield* tick("BTC", "USD", "65000.125"))
        const found = yield* ann.get("/api/v1/accounts/wallet/")
        assert.strictEqual(found.status, 200, found.text)
        assert.strictEqual(found.headers.get("cache-control"), "no-store")
        const { total, ...wallet } = found.json
        assert.deepStrictEqual(wallet, {
          wallet_id: ann.wallet.id,
          balance: "500.00",
          currency: "USD",
          balances: [
            { asset: "BTC", balance: "0.50000000", held: "0.00000000", available: "0.50000000" },
            { asset: "NGN", balance: "1000000.01", held: "0.00", available: "1000000.01" },
            { asset: "USD", balance: "500.00", held: "0.00", available: "500.00" }
          ]
        })
        const { as_of, rates, ...value } = total as {
          readonly as_of: string
          readonly rates: ReadonlyArray<Readonly<Record<string, unknown>>>
        }
        // 32500.0625 + 654.43521054435204 + 500
        assert.deepStrictEqual(value, { currency: "USD", value: "33654.49", complete: true, unpriced: [] })
        assert.deepStrictEqual(
          rates.map(({ pair, rate, stale }) => [pair, rate, stale]),
          [
            ["BTC:USD", "65000.125", false],
            ["NGN:USD", "0.000654435204", false]
          ]
        )
        assert.strictEqual(as_of, rates.map((rate) => String(rate["as_of"])).toSorted()[0])
        for (const { rate, rate_id } of rates)
          assert.include((yield* get(`/api/v1/rates/${String(rate_id)}`)).json, { rate })
      })
    )

    it.effect("lists an asset without a price, and values the others", () =>
      Effect.gen(function* () {
        yield* quotePrices
        const ben = yield* WalletUsers.create("ben", { USD: "1.50", KES: "100", JPY: "5" })
        const { json, status } = yield* ben.get("/api/v1/accounts/wallet")
        assert.strictEqual(status, 200)
        assert.deepInclude(json["total"], { value: "1.50", complete: false, unpriced: ["JPY", "KES"] })
      })
    )

    it.effect("keeps every digit of 18 decimals above 2^53", () =>
      Effect.gen(function* () {
        yield* quotePrices
        const whale = yield* WalletUsers.create("whale")
        yield* WalletPostings.post(whale.wallet, [
          { changes: { ETH: "123456789012345678.123456789012345678" } }
        ])
        const { text } = yield* whale.get("/api/v1/accounts/wallet")
        assert.include(text, '"balance":"123456789012345678.123456789012345678"')
        assert.include(text, '"available":"123456789012345678.123456789012345678"')
      })
    )

    it.effect("subtracts what is held from what is available", () =>
      Effect.gen(function* () {
        const held = yield* WalletUsers.create("held", { USD: "10" })
        const [account] = yield* (yield* Wallets).accountIds([
          walletAccount(held.wallet.id, AssetCode.make("USD"))
        ])
        if (account === undefined) return assert.fail("no account")
        yield* (yield* Ledger).post([Postings.hold(account, "2.5").posting])
        assert.deepStrictEqual((yield* held.get("/api/v1/accounts/wallet")).json["balances"], [
          { asset: "USD", balance: "10.00", held: "2.50", available: "7.50" }
        ])
      })
    )

    it.effect("is empty for a new user", () =>
      Effect.gen(function* () {
        const fresh = yield* WalletUsers.create("fresh")
        const { json } = yield* fresh.get("/api/v1/accounts/wallet")
        assert.include(json, { balance: "0.00", currency: "USD" })
        assert.deepStrictEqual(json["balances"], [])
        assert.deepInclude(json["total"], { value: "0.00", complete: true, rates: [] })
      })
    )

    it.effect("is for its user, and for an API key with the scope wallets that acts for the user", () =>
      Effect.gen(function* () {
        const { balances: _, wallet } = yield* WalletUsers.create("owner", { USD: "3" })
        const paths = [
          "/api/v1/accounts/wallet",
          "/api/v1/accounts/wallet/at?time=2020-01-01",
          "/api/v1/accounts/statement?since=2020-01-01",
          "/api/v1/transactions"
        ]
        const key = yield* Callers.withScopes("wallets")
        const other = yield* Callers.withScopes("convert")
        for (const path of paths) {
          const as = (authorization: string, user: string) =>
            get(path, { headers: { authorization, "effex-on-behalf-of": user } })
          assert.strictEqual((yield* as(key.authorization, wallet.userId)).status, 200, path)
          assert.strictEqual((yield* as(other.authorization, wallet.userId)).status, 403, path)
          assert.strictEqual((yield* as(key.authorization, wallet.id)).status, 403, path)
          assert.strictEqual((yield* get(path)).status, 401, path)
        }
      })
    )

    it.effect("is unavailable with the database", () =>
      Effect.gen(function* () {
        const { setDatabase } = yield* TestServer
        const cut = yield* WalletUsers.create("cut", { USD: "3" })
        yield* setDatabase("down")
        assertProblem(yield* cut.get("/api/v1/accounts/wallet"), 503, "store-unavailable")
        assertProblem(
          yield* cut.get("/api/v1/transactions", { accept: "text/csv" }),
          503,
          "store-unavailable"
        )
        assertProblem(
          yield* cut.get("/api/v1/accounts/statement?since=2020-01-01", { accept: "text/html" }),
          503,
          "store-unavailable"
        )
        yield* setDatabase("up")
      })
    )
  })

  describe("GET /api/v1/accounts/wallet/at", () => {
    it.effect("returns the balances after everything up to the time", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("at-ann", { USD: "10" })
        const { json } = yield* ann.get("/api/v1/transactions")
        const [{ created_at: first = "" } = {}] = json["data"] as ReadonlyArray<{ created_at?: string }>
        yield* Effect.sleep(Duration.millis(2))
        yield* WalletPostings.post(ann.wallet, [{ changes: { USD: "-10", EUR: "7.5" } }])
        const at = (time: string) => ann.get(`/api/v1/accounts/wallet/at?time=${encodeURIComponent(time)}`)
        const before = DateTime.formatIso(DateTime.subtract(DateTime.makeUnsafe(first), { milliseconds: 1 }))
        assert.deepStrictEqual((yield* at(before)).json, {
          wallet_id: ann.wallet.id,
          time: before,
          balances: []
        })
        assert.deepStrictEqual((yield* at(first)).json["balances"], [{ asset: "USD", balance: "10.00" }])
        const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
        assert.deepStrictEqual((yield* at(now)).json["balances"], [{ asset: "EUR", balance: "7.50" }])
      })
    )

    it.effect("refuses a time in the future, and one that does not exist", () =>
      Effect.gen(function* () {
        const ann = yield* WalletUsers.create("future-ann", { USD: "10" })
        for (const query of ["?time=2999-01-01", "?time=2026-02-30", "?time=now", "?time=", ""])
          assertProblem(yield* ann.get(`/api/v1/accounts/wallet/at${query}`), 400, "invalid-request")
      })
    )
  })
})

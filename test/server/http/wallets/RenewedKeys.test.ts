import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AssetCatalog } from "../../../../src/assets/AssetCatalog.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { RateRepo } from "../../../../src/rates/RateRepo.ts"
import * as Callers from "../../../support/Callers.ts"
import { tick } from "../../../support/RateTicks.ts"
import { rate, TestProvider } from "../../../support/TestProvider.ts"
import { get, TestServer } from "../../../support/TestServer.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

/** Lists an asset, whose price is 4 US dollars. */
const list = Effect.fnUntraced(function* (code: string) {
  yield* (yield* RateRepo).insert(yield* tick(code, "USD", "4"))
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
      state: "listed"
    },
    principal: "test",
    expectedVersion: Option.none()
  })
})

layer(TestServer.layer({ ORDER_SPREAD: "0", CONVERSION_MARGIN: "0" }), { excludeTestServices: true })(
  "API keys with one name that act for a user",
  (it) => {
    it.effect("have the same idempotency keys, so that a retry with the new key moves no money again", () =>
      Effect.gen(function* () {
        yield* list("RENEW")
        yield* (yield* TestProvider).respondWith(rate("1500"))
        yield* WalletUsers.create("renew-ben")
        const { balances, wallet } = yield* WalletUsers.create("renew-ann", { USD: "100" })
        const first = yield* Callers.withScopes("wallets")
        const renewed = yield* Callers.withScopes("wallets")
        const other = yield* Callers.withScopes("wallets", "rates:read")
        const requests: ReadonlyArray<readonly [method: "POST" | "PATCH", path: string, body: object]> = [
          ["POST", "/api/v1/transfers", { to: "renew-ben", asset: "USD", amount: "1" }],
          ["POST", "/api/v1/orders", { asset: "RENEW", side: "buy", amount: "1" }],
          ["POST", "/api/v1/accounts/wallet/convert", { from: "USD", to: "NGN", amount: "1" }],
          ["PATCH", "/api/v1/accounts/wallet/withdraw", { asset: "USD", amount: "1" }],
          ["PATCH", "/api/v1/accounts/wallet/deposit", { asset: "USD", amount: "1" }]
        ]
        for (const [method, path, body] of requests) {
          const send = ({ authorization }: typeof first) =>
            get(path, {
              method,
              body: JSON.stringify(body),
              headers: {
                authorization,
                "content-type": "application/json",
                "effex-on-behalf-of": wallet.userId,
                "idempotency-key": path
              }
            })
          const sent = yield* send(first)
          assert.include([200, 201, 202], sent.status, `${path}: ${sent.text}`)
          const after = yield* balances
          const retried = yield* send(renewed)
          assert.strictEqual(retried.headers.get("idempotency-replayed"), "true", path)
          // Deposits and withdrawals may be completed meanwhile.
          if (method === "POST") assert.deepStrictEqual(yield* balances, after, path)
          const independent = yield* send(other)
          assert.isNull(independent.headers.get("idempotency-replayed"), path)
        }
      })
    )
  }
)

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as SandboxAssets from "../../../../src/assets/SandboxAssets.ts"
import { AssetCode } from "../../../../src/domain/money/Asset.ts"
import { walletAccount, Wallets } from "../../../../src/wallets/Wallets.ts"
import * as Callers from "../../../support/Callers.ts"
import { get, TestServer } from "../../../support/TestServer.ts"
import * as UserEventClients from "../../../support/UserEventClients.ts"
import * as WalletUsers from "../../../support/WalletUsers.ts"

/** Above 2^53, with 18 decimals: no floating-point number has these digits. */
const DEPOSITED = "9007199254740993.000000000000000005"
const SENT = "0.000000000000000002"
const BALANCE = "9007199254740993.000000000000000003"
const AVAILABLE = "9007199254740993.000000000000000002"

const ENV = {
  LOOKUP_BUDGET: "100 millis",
  // Ether has no price here.
  RISK_UNPRICED: "allow",
  FUNDING: "sandbox"
}

layer(SandboxAssets.layer.pipe(Layer.provideMerge(TestServer.layer(ENV))), { excludeTestServices: true })(
  "Balances with 18 decimals above 2^53",
  (it) => {
    it.effect("keep every digit in every output", () =>
      Effect.gen(function* () {
        const whale = yield* WalletUsers.create("whale", { ETH: DEPOSITED })
        yield* WalletUsers.create("minnow")
        const assertHas = (
          { status, text }: { readonly status: number; readonly text: string },
          ...amounts: ReadonlyArray<string>
        ) => {
          assert.oneOf(status, [200, 201, 202], text)
          for (const amount of amounts) assert.include(text, amount)
        }

        const sent = yield* whale.post("/api/v1/transfers", { to: "minnow", asset: "ETH", amount: SENT })
        assertHas(sent, `"change":"-${SENT}"`, `"balance":"${BALANCE}"`)
        const { created_at: time, id } = sent.json
        const withdrawal = yield* whale.patch("/api/v1/accounts/wallet/withdraw", {
          asset: "ETH",
          amount: "0.000000000000000001",
          note: "sandbox:never"
        })
        assertHas(withdrawal, `"balance":"${BALANCE}"`, `"available":"${AVAILABLE}"`)
        assertHas(yield* whale.get("/api/v1/accounts/wallet/funding"), '"amount":"0.000000000000000001"')
        assertHas(yield* whale.get("/api/v1/accounts/wallet"), `"${BALANCE}"`, `"${AVAILABLE}"`)
        assertHas(yield* whale.get(`/api/v1/accounts/wallet/at?time=${String(time)}`), `"${BALANCE}"`)
        assertHas(yield* whale.get(`/api/v1/transactions/${String(id)}`), `"${BALANCE}"`)
        for (const accept of ["application/json", "text/csv", "application/x-ndjson"])
          assertHas(yield* whale.get("/api/v1/transactions", { accept }), DEPOSITED, BALANCE, `-${SENT}`)
        const statement = "/api/v1/accounts/statement?since=2020-01-01"
        for (const accept of ["text/html", "text/csv", "application/x-ndjson"])
          assertHas(yield* whale.get(statement, { accept }), DEPOSITED, BALANCE)
        assertHas(yield* whale.get(statement), `"closing":"${BALANCE}"`)

        const { authorization } = whale
        const sse = yield* UserEventClients.sse({ authorization })
        assert.include(JSON.stringify((yield* sse.next).data), `"available":"${AVAILABLE}"`)
        const socket = yield* UserEventClients.webSocket({ authorization })
        assert.include(JSON.stringify(yield* socket.next), `"available":"${AVAILABLE}"`)

        const administrator = yield* Callers.user("administrator")
        const read = (path: string) =>
          get(`/api/v1/admin/ledger/${path}`, {
            headers: { authorization: administrator.authorization ?? "" }
          })
        const [account = ""] = yield* (yield* Wallets).accountIds([
          walletAccount(whale.wallet.id, AssetCode.make("ETH"))
        ])
        assertHas(yield* read(`accounts/${account}`), `"${BALANCE}"`, `"${AVAILABLE}"`)
        assertHas(yield* read(`accounts/${account}/entries`), `"${DEPOSITED}"`, `"${BALANCE}"`)
        assertHas(yield* read(`transfers/${String(id)}`), `"-${SENT}"`)
        assertHas(yield* read("trial-balance"), `"-${DEPOSITED}"`)
        assertHas(yield* read("verify"), '"ok":true')
      }).pipe(Effect.scoped)
    )
  }
)

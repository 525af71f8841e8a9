import { Effect } from "effect"
import { AccessTokens } from "../../src/accounts/tokens/AccessTokens.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as TestAccounts from "./TestAccounts.ts"
import { get } from "./TestServer.ts"
import * as TestWallets from "./TestWallets.ts"
import { Redacted } from "effect"

/** Deposits without a payment. */
export const fund = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  balances: Readonly<Record<string, string>>
) {
  for (const [code, amount] of Object.entries(balances)) yield* TestWallets.fund(wallet, amount, code)
})

/** Creates a user of the server with these balances, who is signed in. */
export const create = Effect.fnUntraced(function* (
  username: string,
  initial: Readonly<Record<string, string>> = {}
) {
  const wallet = yield* TestWallets.user(username, initial)
  const { issue } = yield* AccessTokens
  const { signIn } = yield* SignIn
  const { password } = TestAccounts.account(username)
  const opened = yield* signIn({
    proof: { username, password },
    code: undefined,
    device: TestAccounts.DEVICE
  })
  const { expiresAt, id } = opened.session
  const { token } = yield* issue({ user: opened.user, session: id, sessionExpiresAt: expiresAt })
  const authorization = `Bearer ${Redacted.value(token)}`
  const send =
    (method: string) =>
    (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      get(path, {
        method,
        body: JSON.stringify(body),
        headers: { authorization, "content-type": "application/json", ...headers }
      })
  return {
    wallet,
    authorization,
    balances: TestWallets.balances(wallet),
    get: (path: string, headers: Readonly<Record<string, string>> = {}) =>
      get(path, { headers: { authorization, ...headers } }),
    post: send("POST"),
    patch: send("PATCH"),
    delete: (path: string) => get(path, { method: "DELETE", headers: { authorization } })
  }
})

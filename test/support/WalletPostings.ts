import { BigDecimal, Effect } from "effect"
import type { PostOutcome } from "../../src/domain/ledger/PostOutcome.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { houseAccount, walletAccount, Wallets } from "../../src/wallets/Wallets.ts"
import * as Postings from "./Postings.ts"

/** A movement between a wallet and the house. */
export interface TestMovement {
  readonly kind?: string
  /** Signed changes of the wallet, by asset. */
  readonly changes: Readonly<Record<string, string>>
  readonly details?: { readonly [name: string]: string }
}

/** Posts movements of a wallet in order. Those of one call, up to 256, have the same time. */
export const post = Effect.fnUntraced(function* (
  wallet: NamedWallet,
  movements: ReadonlyArray<TestMovement>
) {
  const wallets = yield* Wallets
  const ledger = yield* Ledger
  const codes = Array.from(new Set(movements.flatMap(({ changes }) => Object.keys(changes))), (code) =>
    AssetCode.make(code)
  )
  const accounts = yield* wallets.accountIds(
    codes.flatMap((code) => [houseAccount("liquidity", code), walletAccount(wallet.id, code)])
  )
  const outcomes = yield* ledger.post(
    movements.map(({ changes, details = {}, kind = "deposit" }) => ({
      ...Postings.empty(),
      kind,
      details,
      entries: Object.entries(changes).flatMap(([code, text]) => {
        const place = codes.findIndex((known) => known === code) * 2
        const [house, own] = accounts.slice(place, place + 2)
        if (house === undefined || own === undefined) return []
        const amount = Postings.amount(text)
        return [
          { account: house, amount: BigDecimal.negate(amount) },
          { account: own, amount }
        ]
      })
    }))
  )
  return yield* Effect.forEach(outcomes, (outcome: PostOutcome) =>
    outcome._tag === "Posted" ? Effect.succeed(outcome.id) : Effect.die(outcome)
  )
})

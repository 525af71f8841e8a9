import { Array, Effect } from "effect"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import { type LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import * as ConversionEntries from "../domain/wallets/ConversionEntries.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { requesterDetails } from "./RequestHash.ts"
import { houseAccount, walletAccount, Wallets } from "./Wallets.ts"

/** Kind of the transfers of the ledger. */
export const KIND = "conversion"

/** Creates the function that returns the posting of a priced conversion, and the account that it takes money from. */
export const make = Effect.gen(function* () {
  const { accountIds } = yield* Wallets

  return Effect.fnUntraced(function* (
    wallet: WalletId,
    { priced, record }: PreparedConversion,
    requestedBy: string | undefined
  ) {
    const entries = ConversionEntries.ofConversion(priced)
    const accounts = yield* accountIds(
      entries.map(({ asset, role }) =>
        role === "user" ? walletAccount(wallet, asset) : houseAccount(role, asset)
      )
    )
    const { code } = priced.input.currency
    const source = accounts[entries.findIndex(({ asset, role }) => role === "user" && asset === code)]
    if (source === undefined) return yield* Effect.die("an account is missing")
    const posting: LedgerPosting = {
      id: TransferId.make(record.audit_id),
      kind: KIND,
      details: {
        conversion_id: record.audit_id,
        ...requesterDetails(requestedBy)
      },
      entries: Array.zipWith(accounts, entries, (account, { amount }) => ({ account, amount })),
      opens: [],
      ends: []
    }
    return { posting, source }
  })
})

import { BigDecimal, type DateTime, Effect, Option } from "effect"
import { randomUUID } from "node:crypto"
import { HoldId, type LedgerPosting, TransferId } from "../../src/domain/ledger/LedgerPosting.ts"
import type { LedgerAccountId } from "../../src/domain/ledger/LedgerAccount.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"

const uuidv7 = () => randomUUID().replace(/^(.{14})./, "$17")
export const transferId = () => TransferId.make(uuidv7())
export const holdId = () => HoldId.make(uuidv7())

export const amount = (text: string) => BigDecimal.fromStringUnsafe(text)

interface Options {
  readonly key?: string
  readonly hash?: string
}

/** A posting with nothing in it. */
export const empty = ({ hash = "hash", key }: Options = {}): LedgerPosting => ({
  id: transferId(),
  kind: "test",
  idempotency: key === undefined ? undefined : { principal: "test", key, requestHash: hash },
  details: {},
  entries: [],
  opens: [],
  ends: []
})

/** Moves an amount from one account to another. */
export const move = (from: LedgerAccountId, to: LedgerAccountId, text: string, options: Options = {}) => ({
  ...empty(options),
  entries: [
    { account: from, amount: BigDecimal.negate(amount(text)) },
    { account: to, amount: amount(text) }
  ]
})

/** Opens a hold. */
export const hold = (account: LedgerAccountId, text: string, expiresAt?: DateTime.Utc) => {
  const id = holdId()
  return { id, posting: { ...empty(), opens: [{ holdId: id, account, amount: amount(text), expiresAt }] } }
}

/** Opens one account for each amount, each of an owner of its own, and funds it. */
export const openFunded = Effect.fnUntraced(function* <const A extends ReadonlyArray<string>>(
  code: string,
  amounts: A
) {
  const { accountById, openAccounts, post } = yield* Ledger
  const asset = AssetCode.make(code)
  const [house, ...opened] = yield* openAccounts([
    { owner: null, role: "funding", asset, minBalance: null },
    ...amounts.map(() => ({ owner: randomUUID(), role: "user", asset, minBalance: "0" as const }))
  ])
  if (house === undefined) return yield* Effect.die("no account was opened")
  yield* post(
    amounts.flatMap((text, i) => {
      const account = opened[i]
      return account === undefined || text === "0" ? [] : [move(house, account, text)]
    })
  )
  const balances = Effect.forEach(opened, (id) =>
    Effect.map(accountById(id), (account) => Decimal.format(Option.getOrThrow(account).balance))
  )
  return { house, accounts: opened as unknown as { readonly [K in keyof A]: LedgerAccountId }, balances }
})

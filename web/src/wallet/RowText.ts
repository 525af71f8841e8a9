import type { Transaction } from "../../../src/client/promise/wallets/WalletValues.ts"
import type { RouteLocationRaw } from "vue-router"
import { assetOf } from "../rates/RateStore.ts"
import { texts } from "../texts/wallet.ts"
import type { StatementRow } from "./Statement.ts"

const isOutgoing = ({ change }: Transaction) => change.startsWith("-")

/** Returns the movement that a row is about: of an order, that of the asset that was bought or sold. */
export const mainMovement = ({ movements, type }: StatementRow): Transaction =>
  (type === "order.settlement"
    ? movements.find(({ asset }) => assetOf(asset).kind !== "currency")
    : undefined) ?? movements[0]

/** Names a row of the statement in words. */
export const titleOf = (row: StatementRow): string => {
  const { movements, type } = row
  const [first, second] = movements
  const main = mainMovement(row)
  if (type === "transfer" && first.counterparty !== null)
    return isOutgoing(first) ? texts.row.to(first.counterparty) : texts.row.from(first.counterparty)
  if (type === "conversion" && second !== undefined) return texts.row.converted(first.asset, second.asset)
  if (type === "order.settlement" && assetOf(main.asset).kind !== "currency")
    return isOutgoing(main) ? texts.row.sold(main.asset) : texts.row.bought(main.asset)
  return texts.types[type] ?? type
}

/** Returns the page that proves a row: a receipt, an order, or the record of the transaction. */
export const recordOf = ({ id }: StatementRow): RouteLocationRaw => ({ name: "transaction", params: { id } })

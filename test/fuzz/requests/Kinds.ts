/**
 * Kinds of values whose name alone is ambiguous, by `METHOD /path name`. Values that an operation returns and values that it takes have
 * the same kind if one can be sent where the other is expected.
 */
const kinds: ReadonlyArray<readonly [pattern: RegExp, kind: string]> = [
  [/\/wallet\/(deposit|withdraw) id$/, "funding_id"],
  [/\/wallet\/convert id$/, "conversion_id"],
  [/\/freeze id$|\/unfreeze account_id$/, "frozen_account_id"],
  [/\/adjustments account$/, "account_id"],
  [/\/transfers(\/recipient)? (to|username)$/, "recipient"],
  [/\/auth\/register username$/, "new_username"],
  [/^DELETE .*\/assets\/\S+ code$/, "delisted_code"],
  [/\/assets(\/\S+)? code$/, "asset_code"],
  [/\/assets\/\S+ state$/, "listing_state"],
  [/\/orders(\/\S+)? (asset|crypto)$/, "instrument"],
  [/\/orders amount$/, "order_amount"],
  [/\/confirm reference$/, "payment_reference"],
  [/\/audit\/consistency (from|to)$/, "tree_size"],
  [/\/heads after$/, "tree_size"],
  [/\/(stream|events) since$/, "position"]
]

/** The kind of a value of an operation: its name, unless it means something else there. */
export const kindOf = (operation: string, name: string): string =>
  kinds.find(([pattern]) => pattern.test(`${operation} ${name}`))?.[1] ?? name

/** True for the kind of an id. */
export const isId = (kind: string): boolean => /(^|_)id$/.test(kind)

/** The kind of the `id` of a resource that no path below the operation takes; undefined if it has none. */
export const idKindOf = (operation: string): string | undefined => {
  const kind = kindOf(operation, "id")
  return kind === "id" ? undefined : kind
}

/** True for the kind of a value that names something, and is known only from a response. */
export const isReference = (kind: string): boolean =>
  isId(kind) || /^(code|heads|recipient|refresh|tree_size|username)$/.test(kind)

import type { RefusalKind } from "../ExchangeClient.ts"
import type { AlpacaRefusal } from "./AlpacaHttp.ts"

/**
 * Kinds by Alpaca's messages, first match first. Its codes do not distinguish them: 40310000 and 40010001 stand for many
 * causes.
 */
const KINDS: ReadonlyArray<readonly [RegExp, RefusalKind]> = [
  [/insufficient (buying power|balance|qty|quantity|day trading)/i, "insufficient-funds"],
  [
    /cost basis|minimal amount|minimum|notional|\bqty\b|quantity|fractional|increment|precision|decimal/i,
    "amount-invalid"
  ],
  [/not (tradable|active|tradeable)|inactive|halted|suspended/i, "not-tradable"],
  [/(asset|symbol).*(not found|invalid)|could not find (asset|symbol)|invalid symbol/i, "unknown-asset"]
]

/** Returns the kind of a refusal. */
export const kindOf = ({ message, status }: AlpacaRefusal): RefusalKind =>
  KINDS.find(([pattern]) => pattern.test(message))?.[1] ?? (status === 404 ? "not-found" : "other")

/** Returns true if the client order id was used before. */
export const isUsedId = ({ message, status }: AlpacaRefusal): boolean =>
  status === 422 && /client[ _-]?order[ _-]?id must be unique/i.test(message)

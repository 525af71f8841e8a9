import type { HttpServerRequest } from "effect/http"
import * as Export from "../encoding/Export.ts"
import * as Pagination from "../encoding/Pagination.ts"

/** Candles need smaller pages, because a page reads all rates of its days. */
export const HISTORY_PAGE_SIZES = { raw: 100, "1h": 100, "1d": 30 } as const

/** Cost of a request, and the bounds that apply to it. */
export interface RequestCost {
  /** Number of requests that it counts as against the rate limit. */
  readonly cost: number
  /** Streams a complete list as a file. */
  readonly isExport: boolean
}

/** Fixed part, and the part per row of a page, of a list endpoint. */
interface ListCost {
  readonly base: number
  readonly perRow: number
  readonly defaultPageSize: number
  /** Returns the format of an export that a request prefers. By default, that of a list. */
  readonly exportFormat?: (accept: string | undefined) => string | undefined
}

/** Cost of an export: what it computes before the response starts. Its pages are paced, so that it leaves CPU for others. */
const EXPORT_COST = 500

const RAW_HISTORY: ListCost = { base: 20, perRow: 1 / 50, defaultPageSize: HISTORY_PAGE_SIZES.raw }
const HOURLY_CANDLES: ListCost = { base: 20, perRow: 1 / 20, defaultPageSize: HISTORY_PAGE_SIZES["1h"] }
const DAILY_CANDLES: ListCost = { base: 20, perRow: 1, defaultPageSize: HISTORY_PAGE_SIZES["1d"] }
const AUDIT_LIST: ListCost = { base: 5, perRow: 1 / 25, defaultPageSize: Pagination.DEFAULT_PAGE_SIZE }

const SECURITY_EVENTS: ListCost = {
  base: 2,
  perRow: 1 / 25,
  defaultPageSize: Pagination.DEFAULT_PAGE_SIZE
}
/** The start of a stream with a snapshot. */
const USER_EVENTS_COST = 7

const LEDGER_LIST: ListCost = { base: 5, perRow: 1 / 25, defaultPageSize: Pagination.DEFAULT_PAGE_SIZE }

const TRANSACTION_LIST: ListCost = { base: 5, perRow: 1 / 5, defaultPageSize: Pagination.DEFAULT_PAGE_SIZE }
/** A page of one type reads many movements to find those. */
const TRANSACTIONS_OF_TYPE: ListCost = { ...TRANSACTION_LIST, base: 20 }
const ACCOUNT_STATEMENT: ListCost = {
  base: 5,
  perRow: 0,
  defaultPageSize: 0,
  exportFormat: Export.preferredDocumentFormat
}

const ALL_RATES_COST = 3

/**
 * Costs by endpoint, in lookups: the CPU time of the process and of PostgreSQL, divided by that of a lookup through the
 * router. Measured with 300 000 rates of one pair over a year and 100 000 conversions. Endpoints that are not listed count
 * as one. A conversion is the unit of the writes.
 */
export const ENDPOINT_COSTS: Readonly<Record<string, number | ((query: URLSearchParams) => ListCost)>> = {
  "rates.all": ALL_RATES_COST,
  "rates.record": 4,
  "flutterwave.all": ALL_RATES_COST,
  "history.history": (query) => {
    const interval = query.get("interval")
    return interval === "1d" ? DAILY_CANDLES : interval === "1h" ? HOURLY_CANDLES : RAW_HISTORY
  },
  "history.asOf": 10,
  "assets.list": ALL_RATES_COST,
  "exchanges.cryptoCurrencies": ALL_RATES_COST,
  "exchanges.stocks": ALL_RATES_COST,
  "exchanges.board": ALL_RATES_COST,
  "audit.list": () => AUDIT_LIST,
  "audit.record": 4,
  "audit.receipt": 6,
  "walletConversions.receipt": 6,
  "audit.heads": 4,
  "audit.verify": 1000,
  "proof.verifyHeads": 100,
  "proof.consistency": 6,
  "proof.keys": 3,
  "ledger.accounts": () => LEDGER_LIST,
  "ledger.entries": () => LEDGER_LIST,
  "ledger.adjustments": () => LEDGER_LIST,
  "ledger.transfer": 6,
  "ledger.trialBalance": 100,
  "ledger.verify": 1000,
  "wallet.wallet": 3,
  "wallet.at": 4,
  "wallet.statement": () => ACCOUNT_STATEMENT,
  "transactions.list": (query) => (query.has("type") ? TRANSACTIONS_OF_TYPE : TRANSACTION_LIST),
  "transactions.transaction": 4,
  "transfers.recipient": 3,
  "userEvents.stream": USER_EVENTS_COST,
  "account.securityEvents": () => SECURITY_EVENTS
}

/** Returns the cost of an RPC call or a WebSocket message, named by its tag or type. */
export const ofMessage = (name: string): number =>
  name === "WatchWallet"
    ? USER_EVENTS_COST
    : name === "ListRates" || name === "get_all_rates"
      ? ALL_RATES_COST
      : 1

/** Requests from this cost on are heavy: few of them run at the same time. */
export const HEAVY_COST = 20

const MAX_PAGE_SIZE = 1000

/** Returns the cost of a request to an endpoint, named as `group.endpoint`. */
export const of = (endpoint: string, { headers, url }: HttpServerRequest.HttpServerRequest): RequestCost => {
  const cost = ENDPOINT_COSTS[endpoint] ?? 1
  if (typeof cost === "number") return { cost, isExport: false }
  const query = new URLSearchParams(url.replace(/^[^?]*/, ""))
  const { base, defaultPageSize, exportFormat = Export.preferredFormat, perRow } = cost(query)
  if (exportFormat(headers["accept"]) !== undefined) return { cost: EXPORT_COST, isExport: true }
  const size = query.get("page_size") ?? ""
  // The endpoint rejects any other size.
  const rows = /^\d{1,4}$/.test(size) ? Math.min(Number(size), MAX_PAGE_SIZE) : defaultPageSize
  return { cost: base + Math.ceil(rows * perRow), isExport: false }
}

import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import {
  CALL_OPTIONS,
  type CallOptions,
  exchange,
  type RequestInput,
  send,
  type ServerAccess
} from "../Requests.ts"
import type { AccountStatement, Transaction, TransactionMovements, Wallet, WalletAt } from "./WalletValues.ts"

/** Selects transactions. */
export interface TransactionFilter extends CallOptions {
  readonly asset?: string | undefined
  /** Such as `transfer`, `deposit`, `withdrawal` or `conversion`. */
  readonly type?: string | undefined
  /** Start of the range, inclusive. */
  readonly since?: Date | string | undefined
  /** End of the range, exclusive. */
  readonly until?: Date | string | undefined
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** A period, and the asset if it is only one. */
export interface StatementPeriod {
  /** Inclusive. */
  readonly since: Date | string
  /** Exclusive. Default: now. */
  readonly until?: Date | string | undefined
  readonly asset?: string | undefined
}

/** Format of a downloaded statement: a table, one JSON object per line, or a page to print. */
export type StatementFormat = "csv" | "ndjson" | "html"

/** Calls that read the wallet of the user. */
export interface WalletCalls {
  /** Returns the balances, and their total value at the latest rates. */
  wallet(options?: CallOptions): Promise<Wallet>
  /** Returns the balances at a time. */
  walletAt(time: Date | string, options?: CallOptions): Promise<WalletAt>
  /** Lists the movements of the balances, newest first. */
  transactions(filter?: TransactionFilter): Pages.PagedList<Transaction>
  /** Returns the text of a file with every movement that the filter selects, newest first. */
  transactionsFile(filter: TransactionFilter & { readonly format: "csv" | "ndjson" }): Promise<string>
  /** Returns the movements that one transaction made in the wallet. */
  transaction(transactionId: string, options?: CallOptions): Promise<TransactionMovements>
  /** Returns the opening and closing balances of a period. */
  statement(period: StatementPeriod, options?: CallOptions): Promise<AccountStatement>
  /** Returns the text of a file with the opening balances, every movement and the closing balances of a period. */
  statementFile(
    period: StatementPeriod & { readonly format: StatementFormat },
    options?: CallOptions
  ): Promise<string>
}

const FILTER_OPTIONS = ["asset", "type", "since", "until", "pageSize", ...CALL_OPTIONS] as const
const PERIOD_FIELDS = ["since", "until", "asset"] as const
const MEDIA_TYPES = { csv: "text/csv", ndjson: "application/x-ndjson", html: "text/html" } as const

/** Makes the calls that read the wallet. */
export const make = (access: ServerAccess): WalletCalls => ({
  async wallet(options = {}) {
    Options.requireKnown("wallet", options, CALL_OPTIONS)
    const request = { path: "/api/v1/accounts/wallet", as: "user" } as const
    return Json.decode<Wallet>(await send(access, request, "wallet_id", options))
  },

  async walletAt(time, options = {}) {
    Options.requireKnown("walletAt", options, CALL_OPTIONS)
    const query = { time: Options.timeText("time", time) }
    const request = { path: "/api/v1/accounts/wallet/at", query, as: "user" } as const
    return Json.decode<WalletAt>(await send(access, request, "wallet_id", options))
  },

  transactions(filter = {}) {
    Options.requireKnown("transactions", filter, FILTER_OPTIONS)
    return Pages.read<Transaction>(access, transactionsRequest(filter), filter)
  },

  async transactionsFile({ format, ...filter }) {
    Options.requireKnown("transactionsFile", filter, FILTER_OPTIONS)
    const request = { ...transactionsRequest(filter), headers: { accept: mediaTypeOf(format) } }
    return exchange(access, request, filter, (text) => text)
  },

  async transaction(transactionId, options = {}) {
    Options.requireKnown("transaction", options, CALL_OPTIONS)
    const id = Options.pathId("transactionId", transactionId)
    const request = { path: `/api/v1/transactions/${id}`, as: "user" } as const
    return Json.decode<TransactionMovements>(await send(access, request, "movements", options))
  },

  async statement(period, options = {}) {
    Options.requireKnown("statement", period, PERIOD_FIELDS)
    Options.requireKnown("statement", options, CALL_OPTIONS)
    return Json.decode<AccountStatement>(await send(access, statementRequest(period), "balances", options))
  },

  async statementFile({ format, ...period }, options = {}) {
    Options.requireKnown("statementFile", period, [...PERIOD_FIELDS, "format"])
    Options.requireKnown("statementFile", options, CALL_OPTIONS)
    const request = { ...statementRequest(period), headers: { accept: mediaTypeOf(format) } }
    return exchange(access, request, options, (text) => text)
  }
})

const mediaTypeOf = (format: StatementFormat) => {
  const mediaType = MEDIA_TYPES[format]
  if (mediaType === undefined) throw Options.invalid("format", '"csv", "ndjson" or "html"', format)
  return mediaType
}

const transactionsRequest = ({ asset, pageSize, since, type, until }: TransactionFilter): RequestInput => ({
  path: "/api/v1/transactions",
  query: {
    asset: asset === undefined ? undefined : Options.currency("asset", asset),
    type,
    since: Options.timeText("since", since),
    until: Options.timeText("until", until),
    page_size: Options.pageSize(pageSize)
  },
  as: "user"
})

const statementRequest = ({ asset, since, until }: StatementPeriod): RequestInput => ({
  path: "/api/v1/accounts/statement",
  query: {
    since: Options.timeText("since", since),
    until: Options.timeText("until", until),
    asset: asset === undefined ? undefined : Options.currency("asset", asset)
  },
  as: "user"
})

import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type {
  Candle,
  Currency,
  HistoryRate,
  ListedRate,
  PollDetails,
  PollRecord,
  Rate,
  RateAsOf,
  RateRecord
} from "../Values.ts"

/** Options of a rate lookup. */
export interface RateOptions extends CallOptions {
  /** Maximum age of the rate. An older rate is refreshed, or the call fails with the code `rate-too-old`. */
  readonly maxAge?: Options.DurationInput | undefined
}

export interface AsOfOptions extends CallOptions {
  /** Returns the rate as it was known at this time, before later corrections. Default: now. */
  readonly knownAt?: Date | string | undefined
}

export interface HistoryOptions extends CallOptions {
  /** Start of the range. Default: the first rate. */
  readonly start?: Date | string | undefined
  /** End of the range, exclusive. Default: now. */
  readonly end?: Date | string | undefined
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

export interface PollOptions extends CallOptions {
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** Calls that read rates. */
export interface RateCalls {
  /** Returns the latest rate: units of `to` per unit of `from`. */
  rate(from: string, to: string, options?: RateOptions): Promise<Rate>
  /** Returns the latest rates of all pairs, or of one source currency. */
  rates(base?: string, options?: CallOptions): Promise<ReadonlyArray<ListedRate>>
  /** Returns an immutable rate by its id, with the provider's response. */
  rateById(rateId: string, options?: CallOptions): Promise<RateRecord>
  /** Returns the rate that was in force at a time. */
  rateAsOf(from: string, to: string, at: Date | string, options?: AsOfOptions): Promise<RateAsOf>
  /** Lists the rates of a pair, oldest first; corrections are separate rows. */
  history(
    from: string,
    to: string,
    options?: HistoryOptions & { readonly interval?: "raw" | undefined }
  ): Pages.PagedList<HistoryRate>
  /** Lists the candles of a pair, oldest first. */
  history(
    from: string,
    to: string,
    options: HistoryOptions & { readonly interval: "1h" | "1d" }
  ): Pages.PagedList<Candle>
  /** Lists polls, newest first. */
  polls(options?: PollOptions): Pages.PagedList<PollRecord>
  /** Returns a poll with the pairs that it failed to refresh. */
  poll(runId: string, options?: CallOptions): Promise<PollDetails>
  /** Lists the supported currencies. */
  currencies(options?: CallOptions): Promise<ReadonlyArray<Currency>>
}

const HISTORY_OPTIONS = ["start", "end", "interval", "pageSize", ...CALL_OPTIONS] as const

/** Makes the calls that read rates. */
export const make = (access: ServerAccess): RateCalls => ({
  async rate(from, to, options = {}) {
    Options.requireKnown("rate", options, ["maxAge", ...CALL_OPTIONS])
    const query = {
      from: Options.currency("from", from),
      to: Options.currency("to", to),
      max_age: Options.durationText("maxAge", options.maxAge)
    }
    return Json.decode<Rate>(await send(access, { path: "/api/v1/rates", query }, "rate_id", options))
  },

  async rates(base, options = {}) {
    Options.requireKnown("rates", options, CALL_OPTIONS)
    const query = { base: base === undefined ? undefined : Options.currency("base", base) }
    const { rates } = await send(access, { path: "/api/v1/rates/all", query }, "rates", options)
    return Json.decode<ReadonlyArray<ListedRate>>(rates)
  },

  async rateById(rateId, options = {}) {
    Options.requireKnown("rateById", options, CALL_OPTIONS)
    const id = Options.pathId("rateId", rateId)
    return Json.decode<RateRecord>(await send(access, { path: `/api/v1/rates/${id}` }, "rate_id", options))
  },

  async rateAsOf(from, to, at, options = {}) {
    Options.requireKnown("rateAsOf", options, ["knownAt", ...CALL_OPTIONS])
    const query = {
      from: Options.currency("from", from),
      to: Options.currency("to", to),
      at: Options.timeText("at", at),
      known_at: Options.timeText("knownAt", options.knownAt)
    }
    return Json.decode<RateAsOf>(
      await send(access, { path: "/api/v1/rates/as-of", query }, "rate_id", options)
    )
  },

  history(
    from: string,
    to: string,
    options: HistoryOptions & { readonly interval?: "raw" | "1h" | "1d" | undefined } = {}
  ) {
    Options.requireKnown("history", options, HISTORY_OPTIONS)
    const query = {
      from: Options.currency("from", from),
      to: Options.currency("to", to),
      start: Options.timeText("start", options.start),
      end: Options.timeText("end", options.end),
      interval: Options.oneOf("interval", options.interval, ["raw", "1h", "1d"]),
      page_size: Options.pageSize(options.pageSize)
    }
    return Pages.read<HistoryRate & Candle>(access, { path: "/api/v1/rates/history", query }, options)
  },

  polls(options = {}) {
    Options.requireKnown("polls", options, ["pageSize", ...CALL_OPTIONS])
    const query = { page_size: Options.pageSize(options.pageSize) }
    return Pages.read<PollRecord>(access, { path: "/api/v1/polls", query }, options)
  },

  async poll(runId, options = {}) {
    Options.requireKnown("poll", options, CALL_OPTIONS)
    const path = `/api/v1/polls/${Options.pathId("runId", runId)}`
    return Json.decode<PollDetails>(await send(access, { path }, "failures", options))
  },

  async currencies(options = {}) {
    Options.requireKnown("currencies", options, CALL_OPTIONS)
    const { currencies } = await send(access, { path: "/api/v1/currencies" }, "currencies", options)
    return Json.decode<ReadonlyArray<Currency>>(currencies)
  }
})

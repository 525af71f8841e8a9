import { onScopeDispose, shallowReactive, watch } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Rate } from "../../../src/client/promise/Values.ts"
import { client, pairOf } from "../rates/RateStore.ts"
import type { ValuationRate } from "./Portfolio.ts"

/** Pairs that nobody polls are requested again after this time. */
const REFRESH_MILLIS = 60_000

const requested = shallowReactive(new Map<string, Rate>())

/** Returns the latest rate of a pair that is followed or was requested. */
export const findRate = (from: string, to: string): ValuationRate | undefined => {
  const live = pairOf(from, to)
  const own = requested.get(`${from}:${to}`)
  return live !== undefined && (own === undefined || live.fetchedAt >= own.fetchedAt) ? live : own
}

const request = async (from: string, to: string) => {
  try {
    requested.set(`${from}:${to}`, await client.rate(from, to))
  } catch (error) {
    // The asset is without a value until a later attempt.
    if (!(error instanceof EffexError)) throw error
  }
}

/** Requests the rates that the stream does not bring by itself, now and every minute, for as long as the page is open. */
export const useValuationRates = (pairs: () => ReadonlyArray<readonly [string, string]>): void => {
  const refresh = () => {
    for (const [from, to] of pairs()) if (pairOf(from, to)?.polled !== true) void request(from, to)
  }
  const stop = watch(() => pairs().join(), refresh, { immediate: true })
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") refresh()
  }, REFRESH_MILLIS)
  onScopeDispose(() => {
    stop()
    clearInterval(timer)
  })
}

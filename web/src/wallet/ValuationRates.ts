import { computed, onScopeDispose, type Ref, shallowReactive, watch } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Rate } from "../../../src/client/promise/Values.ts"
import { client, pairOf } from "../rates/RateStore.ts"
import type { ValuationRate } from "./Portfolio.ts"

/** Pairs that nobody polls are requested again after this time. */
const REFRESH_MILLIS = 60_000

const requested = shallowReactive(new Map<string, Rate>())
/** Keys of the pairs that are requested for the first time. */
const pending = shallowReactive(new Set<string>())

/** Returns the latest rate of a pair that is followed or was requested. */
export const findRate = (from: string, to: string): ValuationRate | undefined => {
  const live = pairOf(from, to)
  const own = requested.get(`${from}:${to}`)
  return live !== undefined && (own === undefined || live.fetchedAt >= own.fetchedAt) ? live : own
}

const request = async (from: string, to: string) => {
  const key = `${from}:${to}`
  if (findRate(from, to) === undefined) pending.add(key)
  try {
    requested.set(key, await client.rate(from, to))
  } catch (error) {
    // The asset is without a value until a later attempt.
    if (!(error instanceof EffexError)) throw error
  } finally {
    pending.delete(key)
  }
}

/**
 * Requests the rates that the stream does not bring by itself, now and every minute, for as long as the page is open.
 * Returns if one is requested for the first time.
 */
export const useValuationRates = (
  pairs: () => ReadonlyArray<readonly [string, string]>
): Readonly<Ref<boolean>> => {
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
  return computed(() => pending.size > 0)
}

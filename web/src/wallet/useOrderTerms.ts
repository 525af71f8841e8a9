import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { OrderTerms } from "../../../src/client/promise/orders/OrderValues.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { account, loadClient } from "../session/Session.ts"

/** Markets open and close. */
const REFRESH_MILLIS = 60_000

export interface OrderTermsState {
  readonly terms: ShallowRef<OrderTerms | undefined>
  readonly problem: ShallowRef<Problem | undefined>
  readonly load: () => Promise<void>
}

/** Reads the terms of orders for an asset, now and every minute. */
export const useOrderTerms = (code: () => string | undefined): OrderTermsState => {
  const terms = shallowRef<OrderTerms>()
  const problem = shallowRef<Problem>()
  const load = async () => {
    const asset = code()
    if (asset === undefined) return
    try {
      const { orders } = await loadClient()
      const read = await orders.terms(asset)
      if (code() !== asset) return
      terms.value = read
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      problem.value = describe(error)
    }
  }
  watch(
    code,
    () => {
      terms.value = undefined
      void load()
    },
    { immediate: true }
  )
  const timer = setInterval(() => {
    if (document.visibilityState === "visible" && navigator.onLine) void load()
  }, REFRESH_MILLIS)
  onScopeDispose(() => clearInterval(timer))
  return { terms, problem, load }
}

/** Returns true while the market of an asset is open. Undefined while that is not known, or no user is signed in. */
export const useMarketOpen = (code: string | undefined): ComputedRef<boolean | undefined> => {
  const { terms } = useOrderTerms(() => (account.value.state === "signed-in" ? code : undefined))
  return computed(() => terms.value?.marketOpen)
}

import { computed, onScopeDispose, shallowRef, type ComputedRef, type ShallowRef } from "vue"
import type { Quote } from "../../../src/client/promise/Values.ts"

const TICK_MILLIS = 200

export interface QuoteClock {
  readonly quote: ShallowRef<Quote | undefined>
  /** Whole seconds until the quote expires. 0: it has expired. */
  readonly secondsLeft: ComputedRef<number>
  /** What is left of its duration, from 1 to 0. */
  readonly partLeft: ComputedRef<number>
  readonly isExpired: ComputedRef<boolean>
  readonly set: (quote: Quote, requestedAt: number) => void
  readonly clear: () => void
}

/** Counts a quote down. The clocks of the server and of this device may differ, so only the duration of the quote counts. */
export const useQuoteClock = (): QuoteClock => {
  const quote = shallowRef<Quote>()
  const deadline = shallowRef(0)
  const duration = shallowRef(1)
  const now = shallowRef(performance.now())
  const timer = setInterval(() => (now.value = performance.now()), TICK_MILLIS)
  onScopeDispose(() => clearInterval(timer))
  const millisLeft = computed(() => Math.max(0, deadline.value - now.value))
  return {
    quote,
    secondsLeft: computed(() => Math.ceil(millisLeft.value / 1000)),
    partLeft: computed(() => millisLeft.value / duration.value),
    isExpired: computed(() => quote.value !== undefined && millisLeft.value === 0),
    set: (next, requestedAt) => {
      duration.value = Math.max(1, next.expiresAt.getTime() - next.createdAt.getTime())
      deadline.value = requestedAt + duration.value
      now.value = performance.now()
      quote.value = next
    },
    clear: () => {
      quote.value = undefined
    }
  }
}

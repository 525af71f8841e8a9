import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Order, OrderState } from "../../../src/client/promise/orders/OrderValues.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { loadClient } from "../session/Session.ts"
import { changedOrders } from "./WalletStore.ts"

/** Selects orders. Empty text selects all. */
export interface OrdersFilter {
  readonly state: OrderState | ""
  readonly asset: string
}

export interface OrdersState {
  /** Newest first, each as it is now. Undefined until the first page is there. */
  readonly orders: ComputedRef<ReadonlyArray<Order> | undefined>
  readonly hasMore: ShallowRef<boolean>
  readonly isLoading: ShallowRef<boolean>
  readonly problem: ShallowRef<Problem | undefined>
  readonly loadMore: () => Promise<void>
}

const isSelected = ({ asset, state }: Order, filter: OrdersFilter) =>
  (filter.state === "" || state === filter.state) && (filter.asset === "" || asset === filter.asset)

/** Reads orders page by page, and follows their states. */
export const useOrders = (filter: () => OrdersFilter, pageSize = 30): OrdersState => {
  const read = shallowRef<ReadonlyArray<Order>>()
  const hasMore = shallowRef(false)
  const isLoading = shallowRef(false)
  const problem = shallowRef<Problem>()
  let cursor: string | undefined
  let run = 0

  const loadMore = async () => {
    const current = run
    isLoading.value = true
    const { asset, state } = filter()
    try {
      const { orders } = await loadClient()
      const page = await orders
        .list({ state: state === "" ? undefined : state, asset: asset === "" ? undefined : asset, pageSize })
        .page(cursor)
      if (current !== run) return
      read.value = [...(read.value ?? []), ...page.data]
      cursor = page.next
      hasMore.value = page.next !== undefined
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (current === run) problem.value = describe(error)
    } finally {
      if (current === run) isLoading.value = false
    }
  }
  watch(
    () => `${filter().state} ${filter().asset}`,
    () => {
      run++
      cursor = undefined
      read.value = undefined
      hasMore.value = false
      void loadMore()
    },
    { immediate: true }
  )

  const orders = computed(() => {
    if (read.value === undefined) return undefined
    const all = new Map(read.value.map((order) => [order.id, order]))
    const oldest = read.value.at(-1)?.createdAt
    for (const order of changedOrders.value.values()) {
      const isInRange = !hasMore.value || oldest === undefined || order.createdAt >= oldest
      if (all.has(order.id) || isInRange) all.set(order.id, order)
    }
    return [...all.values()]
      .filter((order) => isSelected(order, filter()))
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
  })
  return { orders, hasMore, isLoading, problem, loadMore }
}

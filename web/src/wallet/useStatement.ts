import { shallowRef, watch, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Transaction } from "../../../src/client/promise/wallets/WalletValues.ts"
import type { TransactionFilter } from "../../../src/client/promise/wallets/WalletCalls.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { loadClient } from "../session/Session.ts"
import { isSelected, keyOf, rangeOf, type StatementFilter } from "./Statement.ts"
import { activity } from "./WalletStore.ts"

const PAGE_SIZE = 30
/** Pages that are read to print everything. */
const MAX_PRINTED_PAGES = 20
const PRINTED_PAGE_SIZE = 500

export interface StatementState {
  /** Newest first. Undefined until the first page is there. */
  readonly movements: ShallowRef<ReadonlyArray<Transaction> | undefined>
  readonly hasMore: ShallowRef<boolean>
  readonly isLoading: ShallowRef<boolean>
  readonly problem: ShallowRef<Problem | undefined>
  readonly loadMore: () => Promise<void>
  /** Loads the rest, for printing. */
  readonly loadAll: () => Promise<void>
  /** Returns all rows of the filter as CSV. */
  readonly exportCsv: () => Promise<string>
}

/** Returns the filter as the client takes it. */
const requestOf = (filter: StatementFilter): TransactionFilter => ({
  asset: filter.asset === "" ? undefined : filter.asset,
  type: filter.type === "" ? undefined : filter.type,
  ...rangeOf(filter)
})

/** Reads the statement page by page, and adds the movements that arrive while it is open. */
export const useStatement = (filter: () => StatementFilter): StatementState => {
  const movements = shallowRef<ReadonlyArray<Transaction>>()
  const hasMore = shallowRef(false)
  const isLoading = shallowRef(false)
  const problem = shallowRef<Problem>()
  let cursor: string | undefined
  let run = 0

  /** Adds the movements that arrived after those that are shown. */
  const addLatest = () => {
    const [known, latest] = [movements.value, activity.value]
    if (known === undefined || latest === undefined) return
    const keys = new Set(known.map(keyOf))
    const newest = known[0]?.createdAt
    const added = latest.filter(
      (row) =>
        !keys.has(keyOf(row)) &&
        isSelected(row, filter()) &&
        (newest === undefined || row.createdAt >= newest)
    )
    if (added.length > 0) movements.value = [...added, ...known]
  }

  const read = async (pageSize: number) => {
    const current = run
    isLoading.value = true
    try {
      const { transactions } = await loadClient()
      const page = await transactions({ ...requestOf(filter()), pageSize }).page(cursor)
      if (current !== run) return
      const known = movements.value ?? []
      const keys = new Set(known.map(keyOf))
      movements.value = [...known, ...page.data.filter((row) => !keys.has(keyOf(row)))]
      cursor = page.next
      hasMore.value = page.next !== undefined
      problem.value = undefined
      addLatest()
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (current === run) problem.value = describe(error)
    } finally {
      if (current === run) isLoading.value = false
    }
  }

  watch(
    () => Object.values(filter()).join("\n"),
    () => {
      run++
      cursor = undefined
      movements.value = undefined
      hasMore.value = false
      void read(PAGE_SIZE)
    },
    { immediate: true }
  )

  watch(activity, addLatest)

  return {
    movements,
    hasMore,
    isLoading,
    problem,
    loadMore: () => read(PAGE_SIZE),
    loadAll: async () => {
      for (let page = 0; hasMore.value && page < MAX_PRINTED_PAGES && problem.value === undefined; page++)
        await read(PRINTED_PAGE_SIZE)
    },
    exportCsv: async () => {
      const { transactionsFile } = await loadClient()
      return transactionsFile({ ...requestOf(filter()), format: "csv" })
    }
  }
}

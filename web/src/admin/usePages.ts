import { shallowRef, type ShallowRef } from "vue"
import type { AdminClient } from "../../../src/client/promise/ConnectAdmin.ts"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { PagedList } from "../../../src/client/promise/Pages.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { loadClient } from "../session/Session.ts"
import { useRefresh } from "./useResource.ts"

export interface Pages<A> {
  /** Undefined until the first page is loaded. */
  readonly rows: ShallowRef<ReadonlyArray<A> | undefined>
  readonly problem: ShallowRef<Problem | undefined>
  readonly asOf: ShallowRef<Date | undefined>
  readonly hasMore: ShallowRef<boolean>
  readonly isLoading: ShallowRef<boolean>
  /** Reads the list again from its beginning. */
  readonly reload: () => Promise<void>
  readonly loadMore: () => Promise<void>
  /** Replaces a row, such as after an action on it. */
  readonly replace: (isRow: (row: A) => boolean, next: A) => void
}

/**
 * Reads a list page by page. The first page is refreshed every ten seconds, until the administrator reads on: then nothing moves under
 * the reader.
 */
export const usePages = <A>(list: (client: AdminClient) => PagedList<A>): Pages<A> => {
  const rows = shallowRef<ReadonlyArray<A>>()
  const problem = shallowRef<Problem>()
  const asOf = shallowRef<Date>()
  const hasMore = shallowRef(false)
  const isLoading = shallowRef(false)
  let next: string | undefined
  let latest = 0

  const read = async (cursor: string | undefined) => {
    latest += 1
    const turn = latest
    isLoading.value = true
    try {
      const page = await list(await loadClient()).page(cursor)
      if (turn !== latest) return
      rows.value = cursor === undefined ? page.data : [...(rows.value ?? []), ...page.data]
      next = page.next
      hasMore.value = next !== undefined
      asOf.value = new Date()
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (turn === latest && error.code !== "session-ended") problem.value = describe(error)
    } finally {
      if (turn === latest) isLoading.value = false
    }
  }

  let isFirstPage = true
  const reload = () => {
    isFirstPage = true
    return read(undefined)
  }
  useRefresh(async () => {
    if (isFirstPage && !isLoading.value) await read(undefined)
  })
  void reload()

  return {
    rows,
    problem,
    asOf,
    hasMore,
    isLoading,
    reload,
    loadMore: async () => {
      if (next === undefined || isLoading.value) return
      isFirstPage = false
      await read(next)
    },
    replace: (isRow, replacement) => {
      rows.value = rows.value?.map((row) => (isRow(row) ? replacement : row))
    }
  }
}

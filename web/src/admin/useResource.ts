import { onUnmounted, shallowRef, type ShallowRef } from "vue"
import type { AdminClient } from "../../../src/client/promise/ConnectAdmin.ts"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { loadClient } from "../session/Session.ts"

/** Time between two reads of an open page. */
const REFRESH_MILLIS = 10_000

export interface Resource<A> {
  /** Undefined until it is loaded. A failure keeps the last value. */
  readonly value: ShallowRef<A | undefined>
  readonly problem: ShallowRef<Problem | undefined>
  /** When the value was read. */
  readonly asOf: ShallowRef<Date | undefined>
  readonly load: () => Promise<void>
}

/** Reads something of the server now, and every ten seconds while the page is visible. */
export const useResource = <A>(read: (client: AdminClient) => Promise<A>): Resource<A> => {
  const value = shallowRef<A>()
  const problem = shallowRef<Problem>()
  const asOf = shallowRef<Date>()
  let latest = 0
  const load = async () => {
    latest += 1
    const turn = latest
    try {
      const found = await read(await loadClient())
      // A slower read of before must not replace a newer one.
      if (turn !== latest) return
      value.value = found
      asOf.value = new Date()
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (turn === latest && error.code !== "session-ended") problem.value = describe(error)
    }
  }
  useRefresh(load)
  void load()
  return { value, problem, asOf, load }
}

/** Runs something every ten seconds while the page is visible, and when it becomes visible again. */
export const useRefresh = (refresh: () => Promise<void>): void => {
  const refreshVisible = () => {
    if (!document.hidden) void refresh()
  }
  const timer = setInterval(refreshVisible, REFRESH_MILLIS)
  document.addEventListener("visibilitychange", refreshVisible)
  onUnmounted(() => {
    clearInterval(timer)
    document.removeEventListener("visibilitychange", refreshVisible)
  })
}

import { onScopeDispose, shallowRef, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import { describe, type Problem } from "../forms/Problem.ts"
import { onChange } from "./WalletStore.ts"

export interface RecordState<A> {
  /** Undefined until it is read. */
  readonly record: ShallowRef<A | undefined>
  /** Why it could not be read. The last record stays. */
  readonly problem: ShallowRef<Problem | undefined>
  /** True if there is no such record. */
  readonly isMissing: ShallowRef<boolean>
  readonly reload: () => Promise<void>
}

const POLL_MILLIS = 5000

/**
 * Reads a record now, and while it is pending after each change of the wallet and every few seconds: its state can change
 * without an event.
 */
export const useRecord = <A>(
  read: () => Promise<A>,
  isPending: (record: A) => boolean = () => false
): RecordState<A> => {
  const record = shallowRef<A>()
  const problem = shallowRef<Problem>()
  const isMissing = shallowRef(false)
  const reload = async () => {
    try {
      record.value = await read()
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      isMissing.value = error.code === "not-found"
      problem.value = describe(error)
    }
  }
  const isDue = () => (record.value === undefined ? !isMissing.value : isPending(record.value))
  onChange(async () => {
    if (isDue()) await reload()
  })
  const timer = setInterval(() => {
    if (isDue() && document.visibilityState === "visible" && navigator.onLine) void reload()
  }, POLL_MILLIS)
  onScopeDispose(() => clearInterval(timer))
  return { record, problem, isMissing, reload }
}

import { shallowRef, type ShallowRef } from "vue"
import type { AdminClient } from "../../../../src/client/promise/ConnectAdmin.ts"
import { EffexError } from "../../../../src/client/promise/EffexError.ts"
import { describe, type Problem } from "../../forms/Problem.ts"
import { loadClient } from "../../session/Session.ts"
import * as WalletStore from "../../wallet/WalletStore.ts"

export interface Loaded<A> {
  /** Undefined until it is loaded. A failure keeps the last value. */
  readonly value: ShallowRef<A | undefined>
  readonly problem: ShallowRef<Problem | undefined>
  readonly load: () => Promise<void>
}

/** Loads something of the user's account now, and after each event of the account while the page is open. */
export const useLoad = <A>(read: (client: AdminClient) => Promise<A>): Loaded<A> => {
  const value = shallowRef<A>()
  const problem = shallowRef<Problem>()
  const load = async () => {
    try {
      value.value = await read(await loadClient())
      problem.value = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      problem.value = describe(error)
    }
  }
  WalletStore.onChange(load)
  return { value, problem, load }
}

import { shallowRef, type ShallowRef } from "vue"
import { toast } from "../components/Toasts.ts"
import { type SubmitOptions, useSubmit } from "../forms/useSubmit.ts"
import type { AdminClient } from "../../../src/client/promise/ConnectAdmin.ts"
import type { Problem } from "../forms/Problem.ts"
import { loadClient } from "../session/Session.ts"

/** An action that an administrator is asked to confirm with a reason. */
export interface Asked {
  readonly title: string
  /** What happens then, in one or two sentences. */
  readonly consequence: string
  readonly confirmText: string
  /** Hard to undo: the button is red. */
  readonly isDanger?: boolean
  /** Text that has to be typed first, for what cannot be undone. */
  readonly typed?: string
  /** Label of the text that is asked for. Default: a reason. */
  readonly label?: string
  readonly help?: string
  /** Acts, with the reason. Returns what was done, for the announcement. */
  readonly act: (client: AdminClient, reason: string, idempotencyKey: string) => Promise<string>
}

/** State of a dialog, for {@link ReasonDialog}. */
export interface Action {
  readonly asked: ShallowRef<Asked | undefined>
  readonly isOpen: ShallowRef<boolean>
  readonly reason: ShallowRef<string>
  readonly isBusy: Readonly<ShallowRef<boolean>>
  readonly problem: ShallowRef<Problem | undefined>
  readonly ask: (asked: Asked) => void
  readonly confirm: () => Promise<void>
}

/** Asks for a reason, acts, announces what was done, and reads the page again. */
export const useAction = (reload: () => Promise<void>, options: SubmitOptions = {}): Action => {
  const asked = shallowRef<Asked>()
  const isOpen = shallowRef(false)
  const reason = shallowRef("")
  const { isBusy, problem, submit } = useSubmit(async (key) => {
    const text = await asked.value?.act(await loadClient(), reason.value.trim(), key)
    isOpen.value = false
    if (text !== undefined) toast(text)
    await reload()
  }, options)
  return {
    asked,
    isOpen,
    reason,
    isBusy,
    problem,
    ask: (next) => {
      asked.value = next
      reason.value = ""
      problem.value = undefined
      isOpen.value = true
    },
    confirm: submit
  }
}

import { shallowRef, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import { randomId } from "../../../src/client/promise/Requests.ts"
import { describe, type Problem, type ProblemTexts, wasRefused } from "./Problem.ts"

export interface SubmitOptions {
  /** Words of this form for codes of problems. */
  readonly texts?: ProblemTexts
  /** The problem says if money moved. Default: false. */
  readonly movesMoney?: boolean
}

export interface Submit {
  /** Runs the action. Does nothing while it runs. */
  readonly submit: () => Promise<void>
  readonly isBusy: Readonly<ShallowRef<boolean>>
  /** Why the last run failed. Undefined during and after a successful one. */
  readonly problem: ShallowRef<Problem | undefined>
}

/**
 * Runs the request of a form, once at a time. The action receives an idempotency key, which stays the same until the
 * request succeeds or is definitely refused: a repetition after a lost response moves no money twice.
 */
export const useSubmit = (
  action: (idempotencyKey: string) => Promise<unknown>,
  { movesMoney = false, texts = {} }: SubmitOptions = {}
): Submit => {
  const isBusy = shallowRef(false)
  const problem = shallowRef<Problem | undefined>(undefined)
  let key: string | undefined
  const submit = async () => {
    if (isBusy.value) return
    isBusy.value = true
    problem.value = undefined
    key ??= randomId()
    try {
      await action(key)
      key = undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (wasRefused(error)) key = undefined
      problem.value = describe(error, texts, movesMoney)
    } finally {
      isBusy.value = false
    }
  }
  return { submit, isBusy, problem }
}

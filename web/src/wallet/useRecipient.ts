import { onScopeDispose, shallowRef, watch, type ShallowRef } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Recipient } from "../../../src/client/promise/wallets/WalletValues.ts"
import { account, loadClient } from "../session/Session.ts"
import { describe } from "../forms/Problem.ts"
import { texts } from "../texts/wallet.ts"

export interface RecipientLookup {
  /** Who receives the money. Undefined until the server has named them. */
  readonly recipient: ShallowRef<Recipient | undefined>
  readonly problem: ShallowRef<string>
  readonly isLooking: ShallowRef<boolean>
  /** Looks up the present text, and returns once its outcome is known. */
  readonly settle: () => Promise<void>
}

const DEBOUNCE_MILLIS = 350
const MIN_LENGTH = 3

/** Names the receiver of a transfer while their username or wallet id is typed. */
export const useRecipient = (text: ShallowRef<string>): RecipientLookup => {
  const recipient = shallowRef<Recipient>()
  const problem = shallowRef("")
  const isLooking = shallowRef(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let lookedUp = ""

  const look = async () => {
    const to = text.value.trim()
    if (to === lookedUp && (recipient.value !== undefined || problem.value !== "")) return
    lookedUp = to
    isLooking.value = true
    try {
      const { transfers } = await loadClient()
      const found = await transfers.recipient(to)
      if (lookedUp !== to) return
      const user = account.value.state === "signed-in" ? account.value.user.username : undefined
      problem.value = found.username === user ? texts.send.self : ""
      recipient.value = problem.value === "" ? found : undefined
    } catch (error) {
      if (!(error instanceof EffexError)) throw error
      if (lookedUp !== to) return
      recipient.value = undefined
      problem.value = describe(error, {
        "recipient-not-found": texts.send.notFound,
        "same-wallet": texts.send.self,
        "invalid-request": texts.send.notFound
      }).text
    } finally {
      if (lookedUp === to) isLooking.value = false
    }
  }

  const settle = async () => {
    clearTimeout(timer)
    if (text.value.trim() === "") {
      problem.value = texts.send.needTo
      return
    }
    await look()
  }

  watch(
    text,
    (next) => {
      clearTimeout(timer)
      recipient.value = undefined
      problem.value = ""
      lookedUp = ""
      isLooking.value = false
      if (next.trim().length >= MIN_LENGTH) timer = setTimeout(() => void look(), DEBOUNCE_MILLIS)
    },
    { flush: "sync" }
  )
  onScopeDispose(() => clearTimeout(timer))
  if (text.value.trim() !== "") void look()
  return { recipient, problem, isLooking, settle }
}

import { shallowReactive } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import { loadClient } from "../session/Session.ts"

/** Author of an action, as the server records it: `user:<id>`, the id of an API key, `cli:<name>` or `anonymous`. */
export interface Principal {
  readonly kind: "user" | "key" | "command-line" | "other"
  readonly id: string
}

export const parse = (text: string): Principal => {
  if (text.startsWith("user:")) return { kind: "user", id: text.slice(5) }
  if (text.startsWith("key_")) return { kind: "key", id: text }
  return text.startsWith("cli:") ? { kind: "command-line", id: text.slice(4) } : { kind: "other", id: text }
}

const names = shallowReactive(new Map<string, string>())
const requested = new Set<string>()

/** Returns the name of a user, or the beginning of the id until the name is read. Names never change. */
export const usernameOf = (id: string): string => {
  if (!requested.has(id)) {
    requested.add(id)
    void readName(id)
  }
  return names.get(id) ?? `${id.slice(0, 8)}…`
}

const readName = async (id: string) => {
  try {
    const { admin } = await loadClient()
    names.set(id, (await admin.users.get(id)).username)
  } catch (error) {
    // The id is shown instead.
    if (!(error instanceof EffexError)) throw error
    if (error.retryable) requested.delete(id)
  }
}

import type { User } from "../../../src/client/promise/accounts/AccountValues.ts"

/**
 * Who is signed in, as far as the last page knew. Without secrets: scripts cannot read the cookie of the session, and a page
 * without a hint need not ask the server for it.
 */
export type UserHint = Pick<User, "id" | "role" | "username">

const KEY = "effex-user"

const decode = (text: string | null): UserHint | undefined => {
  try {
    const { id, role, username }: Partial<UserHint> = JSON.parse(text ?? "{}")
    const isComplete = typeof id === "string" && typeof username === "string"
    return isComplete ? { id, username, role: role === "admin" ? "admin" : "user" } : undefined
  } catch {
    return undefined
  }
}

/** Returns the hint. `blocked` if the browser has no storage, so that only the server knows. */
export const read = (): UserHint | "blocked" | undefined => {
  try {
    return decode(localStorage.getItem(KEY))
  } catch {
    return "blocked"
  }
}

/** Keeps the hint for the next page, or deletes it. Other tabs are notified. */
export const write = (user: UserHint | undefined): void => {
  try {
    if (user === undefined) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, JSON.stringify({ id: user.id, username: user.username, role: user.role }))
  } catch {
    // Storage is blocked: each page asks the server.
  }
}

/** Calls a function when another tab signs in or out. */
export const onChange = (listener: (hint: UserHint | undefined) => void): void => {
  addEventListener("storage", ({ key, newValue }) => {
    if (key === KEY || key === null) listener(decode(newValue))
  })
}

import { shallowRef } from "vue"
import type { LoginRequest, RegisterRequest } from "../../../src/client/promise/accounts/AccountCalls.ts"
import type { User } from "../../../src/client/promise/accounts/AccountValues.ts"
import type { AdminClient } from "../../../src/client/promise/ConnectAdmin.ts"
import type { EffexError } from "../../../src/client/promise/EffexError.ts"
import * as UserHint from "./UserHint.ts"

/** The user of the page. */
export type Account =
  /** Not known yet; `problem` says why the server could not tell. */
  | { readonly state: "unknown"; readonly problem?: EffexError | undefined }
  /** `ended` is set if a session ended that this page used: elsewhere, by an administrator, or because it expired. */
  | { readonly state: "signed-out"; readonly ended?: EffexError | undefined }
  | { readonly state: "signed-in"; readonly user: User }

export const account = shallowRef<Account>({ state: "unknown" })

/** Who was signed in when the last page was left, until `account` is known. For the navigation only. */
export const hint = shallowRef<UserHint.UserHint | undefined>(undefined)

let client: Promise<AdminClient> | undefined
let restoring: Promise<Account> | undefined

const setAccount = (next: Account) => {
  account.value = next
  hint.value = next.state === "signed-in" ? next.user : undefined
  UserHint.write(hint.value)
  return next
}

/** Returns the client of the page's user. It is loaded when a page needs it first. */
export const loadClient = (): Promise<AdminClient> => {
  client ??= import("./Client.ts")
    .then(({ connect }) => connect((ended) => setAccount({ state: "signed-out", ended })))
    .catch((error: unknown) => {
      client = undefined
      throw error
    })
  return client
}

/** Asks the server who is signed in, once. Safe to call again after a failure. */
export const restore = (): Promise<Account> => {
  if (account.value.state !== "unknown") return Promise.resolve(account.value)
  restoring ??= ask().finally(() => {
    restoring = undefined
  })
  return restoring
}

const ask = async (): Promise<Account> => {
  if (UserHint.read() === undefined) return setAccount({ state: "signed-out" })
  const [{ toProblem }, { accounts }] = await Promise.all([import("./Client.ts"), loadClient()])
  try {
    return setAccount({ state: "signed-in", user: await accounts.me() })
  } catch (error) {
    const problem = toProblem(error)
    if (problem.status === 401 || problem.status === 403 || problem.code === "session-ended")
      // `onSessionEnd` has set why it ended.
      return account.value.state === "unknown" ? setAccount({ state: "signed-out" }) : account.value
    account.value = { state: "unknown", problem }
    return account.value
  }
}

/** Signs in. Rejects with `MfaRequired` if a code is needed. */
export const signIn = async (request: LoginRequest): Promise<User> => {
  const { accounts } = await loadClient()
  const user = await accounts.login(request)
  setAccount({ state: "signed-in", user })
  return user
}

/** Creates an account and signs in. */
export const signUp = async (request: RegisterRequest): Promise<User> => {
  const { accounts } = await loadClient()
  const user = await accounts.register(request)
  setAccount({ state: "signed-in", user })
  return user
}

/** Ends the session. If that fails, the user is still signed in. */
export const signOut = async (): Promise<void> => {
  const { accounts } = await loadClient()
  await accounts.logout()
  setAccount({ state: "signed-out" })
}

/** Takes over what changed of the user, such as the email address. */
export const setUser = (user: User): void => {
  setAccount({ state: "signed-in", user })
}

/** Forgets the client, whose tokens belong to a session that another tab has left. */
const closeClient = () => {
  void client?.then((opened) => opened.close()).catch(() => undefined)
  client = undefined
}

/** Reads who was signed in, and follows the sign-ins and sign-outs of other tabs. */
export const start = (): void => {
  const stored = UserHint.read()
  if (stored === undefined) account.value = { state: "signed-out" }
  else if (stored !== "blocked") hint.value = stored
  UserHint.onChange((next) => {
    const current = account.value
    if (current.state === "unknown") hint.value = next
    else if (current.state === "signed-in" && next === undefined) {
      closeClient()
      account.value = { state: "signed-out" }
      hint.value = undefined
    } else if (current.state === "signed-out" || current.user.id !== next?.id) {
      // What this page shows belongs to another user.
      location.reload()
    }
  })
}

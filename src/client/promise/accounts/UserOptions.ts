import { invalidOption, type SessionEnded } from "../EffexError.ts"
import * as Options from "../Options.ts"
import type { UserAuthorization } from "../Requests.ts"
import type * as Session from "./Session.ts"
import * as TokenStore from "./TokenStore.ts"

/** Options of a client that acts for a user. */
export interface UserOptions {
  /**
   * Where the tokens of the user are kept: in a storage such as `localStorage`, or in a `cookie`, for pages of the server
   * itself. Scripts cannot read the cookie. Default: in memory.
   */
  readonly session?: "cookie" | TokenStore.TokenStorage | undefined
  /** Is called once when the session ends without `logout`, such as on another device or by an administrator. */
  readonly onSessionEnd?: ((error: SessionEnded) => void) | undefined
  /** Id of the user for whom the API key acts. It needs the scope `wallets`. */
  readonly onBehalfOf?: string | undefined
}

export const USER_OPTIONS = ["session", "onSessionEnd", "onBehalfOf"] as const

/** Returns where the tokens are kept. */
export const sessionOptions = (
  url: string,
  { onSessionEnd, session }: UserOptions
): Session.SessionOptions => {
  if (session === undefined || session === "cookie") {
    const inCookie = session === "cookie"
    const store = TokenStore.inMemory(inCookie ? TokenStore.keyOf(url) : undefined)
    return { store, inCookie, onEnd: onSessionEnd }
  }
  if (typeof session !== "object" || session === null || typeof session.getItem !== "function") {
    throw Options.invalid("session", '"cookie", or a storage such as localStorage', session)
  }
  return { store: TokenStore.inStorage(session, url), inCookie: false, onEnd: onSessionEnd }
}

/** Returns the authorization of an API key that acts for a user. Undefined without one. */
export const keyAuthorization = (
  apiKey: string | undefined,
  { onBehalfOf }: UserOptions
): UserAuthorization | undefined => {
  if (onBehalfOf === undefined) return undefined
  const userId = Options.requiredText("onBehalfOf", onBehalfOf, EXAMPLE_ID)
  if (apiKey === undefined) throw invalidOption("onBehalfOf needs an apiKey with the scope wallets")
  const headers = { authorization: `Bearer ${apiKey}`, "effex-on-behalf-of": userId }
  return { headers: async () => ({ headers, identity: userId }), refused: async () => false }
}

const EXAMPLE_ID = "01a22981-45e1-75da-8c6d-bd3c483116f2"

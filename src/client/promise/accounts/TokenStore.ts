import { invalidOption } from "../EffexError.ts"
import * as Json from "../Json.ts"

/**
 * Keeps the tokens of a user, also for other tabs and after a restart. `localStorage` and `sessionStorage` of a page are
 * such storages. Methods may return promises.
 */
export interface TokenStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>
  setItem(key: string, value: string): unknown
  removeItem(key: string): unknown
}

/** Tokens of a session. */
export interface Tokens {
  readonly sessionId: string
  readonly access: string
  /** Undefined if it is in a cookie. */
  readonly refresh: string | undefined
  /** Time after which the access token is renewed, in milliseconds since 1970. Before it expires. */
  readonly renewAt: number
}

/** Reads and writes the tokens. */
export interface TokenStore {
  /** Names the session for locks. Undefined if no other client shares the tokens. */
  readonly lockName: string | undefined
  read(): Promise<Tokens | undefined>
  write(tokens: Tokens | undefined): Promise<void>
}

/** Keeps tokens in memory. With a cookie, other tabs share the refresh token. */
export const inMemory = (lockName: string | undefined): TokenStore => {
  let current: Tokens | undefined
  return {
    lockName,
    read: async () => current,
    write: async (tokens) => {
      current = tokens
    }
  }
}

/** Names the session of a server, in a storage and for locks. */
export const keyOf = (url: string) => `effex-session:${url}`

/** Keeps tokens in a storage of the application, one session per server. */
export const inStorage = (storage: TokenStorage, url: string): TokenStore => {
  const key = keyOf(url)
  const run = async <A>(action: () => A) => {
    try {
      return await action()
    } catch (cause) {
      throw invalidOption(`the storage of the session failed: ${String(cause)}`)
    }
  }
  return {
    lockName: key,
    read: async () => decode(await run(() => storage.getItem(key))),
    write: async (tokens) => {
      await run(() =>
        tokens === undefined ? storage.removeItem(key) : storage.setItem(key, JSON.stringify(tokens))
      )
    }
  }
}

/** Returns undefined for text that this client did not write. */
const decode = (text: string | null | undefined): Tokens | undefined => {
  const json = typeof text === "string" ? Json.parse(text) : undefined
  if (!Json.isRecord(json)) return undefined
  const { access, refresh, renewAt, sessionId } = json
  const isComplete =
    typeof access === "string" &&
    typeof refresh === "string" &&
    typeof renewAt === "number" &&
    typeof sessionId === "string"
  return isComplete ? { access, refresh, renewAt, sessionId } : undefined
}

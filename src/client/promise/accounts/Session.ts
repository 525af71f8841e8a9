import { EffexError, fromProblem, notSignedIn, SessionEnded } from "../EffexError.ts"
import { send, type ServerAccess, type UserAuthorization } from "../Requests.ts"
import * as Locks from "./Locks.ts"
import type { TokenStore, Tokens } from "./TokenStore.ts"

/** The session of a user: authorizes requests, and renews the access token before it expires. */
export interface Session extends UserAuthorization {
  /** Stores the tokens of a response that signed the user in. */
  signIn(response: Readonly<Record<string, unknown>>, sentAt: number): Promise<void>
  /** Returns the current tokens after a renewal that is in progress. */
  current(): Promise<Tokens | undefined>
  /** Deletes the tokens of a session, so that nothing more is sent with them. */
  end(sessionId: string | undefined, error?: EffexError): Promise<void>
}

export interface SessionOptions {
  readonly store: TokenStore
  /** The refresh token is in a cookie of the server. */
  readonly inCookie: boolean
  /** Is called once when a session ends without `logout`. */
  readonly onEnd: ((error: SessionEnded) => void) | undefined
}

/** An access token is renewed this long before it expires, or a fifth of its duration if that is shorter. */
const MAX_RENEWAL_MARGIN_MILLIS = 30_000

/** Header that only scripts of the page's own origin can send. The server requires it with a cookie. */
export const CSRF = { "effex-csrf": "1" } as const

/** Makes the session. */
export const make = (access: ServerAccess, { inCookie, onEnd, store }: SessionOptions): Session => {
  let renewal: Promise<Tokens> | undefined
  /** Reason for which the last session ended, for calls after it. Undefined while a session may exist. */
  let ended: EffexError | undefined
  /** Not used again, even if the storage could not delete its tokens. */
  let endedId: string | undefined
  /** The session that this client uses. Another one in the storage or the cookie may be that of another user. */
  let usedId: string | undefined

  const read = async () => {
    const tokens = await store.read()
    return tokens?.sessionId === endedId ? undefined : tokens
  }

  const tokensOf = (
    { access, expires_in, refresh, session_id }: Readonly<Record<string, unknown>>,
    sentAt: number
  ): Tokens => {
    const lifetime = Number(expires_in) * 1000
    return {
      sessionId: String(session_id),
      access: String(access),
      refresh: typeof refresh === "string" ? refresh : undefined,
      renewAt: sentAt + lifetime - Math.min(MAX_RENEWAL_MARGIN_MILLIS, lifetime / 5)
    }
  }

  const end: Session["end"] = async (sessionId, error) => {
    const isRepeated = sessionId !== undefined && sessionId === endedId
    if (sessionId !== undefined) endedId = sessionId
    if (sessionId === usedId) usedId = undefined
    const tokens = await store.read()
    // Meanwhile, the user may have signed in again.
    if (tokens === undefined || tokens.sessionId === sessionId) {
      ended = error ?? notSignedIn()
      if (tokens !== undefined) await store.write(undefined)
    }
    if (error instanceof SessionEnded && !isRepeated) onEnd?.(copyOf(error))
  }

  /** Leaves a session that another one has replaced, and returns the error of the calls that were made in it. */
  const leave = (sessionId: string) => {
    const error = new SessionEnded({
      code: "session-ended",
      detail: "Another session was opened in the storage or the cookie; load what the user sees again"
    })
    if (usedId === sessionId) {
      usedId = undefined
      onEnd?.(copyOf(error))
    }
    return error
  }

  /** Exchanges the refresh token. A lost response is requested again with the same token, which returns the same tokens. */
  const exchangeTokens = async (previous: Tokens | undefined) => {
    const sentAt = Date.now()
    const request = {
      path: "/api/v1/accounts/auth/refresh",
      body: previous?.refresh === undefined ? {} : { refresh: previous.refresh },
      headers: inCookie ? CSRF : {},
      as: "anonymous"
    } as const
    return tokensOf(await send(access, request, "access"), sentAt)
  }

  const renew = async (used: Tokens | undefined): Promise<Tokens> => {
    const previous = await read()
    // Another tab has renewed them, or no user is signed in any more.
    if (previous !== undefined && previous.access !== used?.access) return previous
    if (previous === undefined && (!inCookie || ended !== undefined)) throw ended ?? notSignedIn()
    try {
      const tokens = await exchangeTokens(previous)
      const current = await read()
      // Another tab without locks was faster, or the user signed in again. A rotated token must not replace a newer one.
      const isReplaced = current?.sessionId !== previous?.sessionId || current?.refresh !== previous?.refresh
      if (current !== undefined && isReplaced) return current
      if (current === undefined && (ended !== undefined || !inCookie)) throw ended ?? notSignedIn()
      await store.write(tokens)
      return tokens
    } catch (error) {
      const noCookie = error instanceof EffexError && inCookie && error.code === "invalid-request"
      if (!(error instanceof SessionEnded || noCookie)) throw error
      const current = await read()
      if (current !== undefined && current.access !== previous?.access) return current
      await end(previous?.sessionId, noCookie ? undefined : error)
      throw noCookie ? notSignedIn() : error
    }
  }

  /** One renewal at a time in this client, and in all tabs that share the tokens. */
  const renewOnce = (used: Tokens | undefined) => {
    renewal ??= Locks.exclusive(store.lockName, () => renew(used)).finally(() => {
      renewal = undefined
    })
    return renewal
  }

  return {
    async headers(signal) {
      // Calls that begin before the caller learns of another session are not sent with it.
      const expectedId = usedId
      let tokens = await read()
      if (tokens === undefined && (!inCookie || ended !== undefined)) {
        // Another tab signed out.
        if (expectedId !== undefined) await end(expectedId, notSignedIn())
        throw copyOf(ended ?? notSignedIn())
      }
      if (tokens === undefined || Date.now() >= tokens.renewAt) {
        tokens = await abortable(renewOnce(tokens), signal).catch((error: unknown) => {
          // Each of the waiting calls has an error of its own.
          throw error instanceof EffexError ? copyOf(error) : error
        })
      }
      if (expectedId !== undefined && expectedId !== tokens.sessionId) throw leave(expectedId)
      usedId ??= tokens.sessionId
      return { headers: { authorization: `Bearer ${tokens.access}` }, identity: tokens.sessionId }
    },

    async refused({ headers, identity }, error) {
      if (error instanceof SessionEnded) await end(identity, error)
      if (error.code !== "unauthorized") return false
      // The access token expired earlier than the clock of this device says.
      const tokens = await read()
      if (tokens !== undefined && headers["authorization"] === `Bearer ${tokens.access}`)
        await store.write({ ...tokens, renewAt: 0 })
      return true
    },

    async signIn(response, sentAt) {
      const tokens = tokensOf(response, sentAt)
      ended = undefined
      endedId = undefined
      usedId = tokens.sessionId
      await store.write(tokens)
    },

    async current() {
      await renewal?.catch(() => undefined)
      return read()
    },

    end
  }
}

const copyOf = (error: EffexError) =>
  fromProblem({ ...error, problem: EffexError.problemOf(error), cause: error.cause })

/** Stops waiting when the signal aborts; the promise goes on for others. */
const abortable = <A>(promise: Promise<A>, signal: AbortSignal) =>
  new Promise<A>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener("abort", onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort))
  })

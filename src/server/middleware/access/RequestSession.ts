import type { SessionId } from "../../../domain/accounts/Session.ts"

const SESSION = Symbol("effex/session")

/** The `source` of an `HttpServerRequest`: with Node, its `IncomingMessage`. */
interface RequestSource {
  [SESSION]?: SessionId
}

/** Stores the session of the user who sent a request, for the connection that it opens. */
export const set = (source: RequestSource, session: SessionId): void => {
  source[SESSION] = session
}

/** Returns the stored session, or undefined if no user sent the request. */
export const of = (source: RequestSource): SessionId | undefined => source[SESSION]

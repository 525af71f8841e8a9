import { type AdminClient, connectAdmin } from "../../../src/client/promise/ConnectAdmin.ts"
import { EffexError, type SessionEnded } from "../../../src/client/promise/EffexError.ts"

/** Connects to the server that sent this page. Scripts cannot read the refresh token, which is in a cookie. */
export const connect = (onSessionEnd: (error: SessionEnded) => void): AdminClient =>
  connectAdmin(location.origin, { session: "cookie", onSessionEnd })

/** Returns the error of a failed call. Throws a defect again. */
export const toProblem = (error: unknown): EffexError => {
  if (error instanceof EffexError) return error
  throw error
}

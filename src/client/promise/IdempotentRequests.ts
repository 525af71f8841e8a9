import { EffexError } from "./EffexError.ts"
import * as Options from "./Options.ts"
import { type CallOptions, randomId, type RequestInput, send, type ServerAccess } from "./Requests.ts"

/**
 * Sends a request that moves money, with the caller's idempotency key or a random one, so that its retries are safe.
 */
export const sendOnce = async (
  access: ServerAccess,
  request: RequestInput,
  key: string | undefined,
  field: string | ReadonlyArray<string>,
  options: CallOptions
) => {
  const idempotencyKey = idempotencyKeyOf(key)
  const response = send(access, { ...request, idempotencyKey }, field, options)
  return await (key === undefined ? response.catch(rejectUnknownOutcome) : response)
}

/**
 * Repeating the call would send another automatic key, and could move money a second time. So an error after which it may
 * have moved is not retryable, and says how to repeat the call.
 */
const rejectUnknownOutcome = (error: unknown): never => {
  if (!(error instanceof EffexError && error.sent)) throw error
  const detail = `${error.detail}. The money may have moved; to repeat the call safely, pass idempotencyKey: "${error.idempotencyKey}"`
  throw Object.assign(error, { detail, message: detail, retryable: false })
}

/** Returns a key, or a random one. A header holds printable ASCII only. */
export const idempotencyKeyOf = (key: string = randomId()) => {
  if (typeof key === "string" && /^[\x20-\x7e]{1,255}$/.test(key) && key.trim() === key) return key
  throw Options.invalid("idempotencyKey", "1 to 255 printable ASCII characters", key)
}

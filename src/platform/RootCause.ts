import { Predicate } from "effect"

/** Returns the innermost cause of an error, which is the most specific one. */
export const rootCause = (error: unknown): unknown => {
  if (Predicate.hasProperty(error, "reason") && Predicate.isObject(error.reason))
    return rootCause(error.reason)
  if (Predicate.hasProperty(error, "cause") && error.cause !== undefined) return rootCause(error.cause)
  // If a connection failed for several addresses, the aggregate has no message of its own.
  if (error instanceof AggregateError && error.message === "") return rootCause(error.errors[0])
  return error
}

/** Returns the message of the innermost cause of an error. */
export const rootMessage = (error: unknown): string => {
  const cause = rootCause(error)
  if (!(cause instanceof Error)) return String(cause)
  return cause.message === "" ? cause.name : cause.message
}

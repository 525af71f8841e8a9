import { Context } from "effect"

/** Caller of the current lookup, against whose limits the refreshes count that `max_age` demands. */
export const LookupCaller = Context.Reference<{
  /** Rate-limit identity: the id of an API key, or an address. */
  readonly identity: string
  readonly isAnonymous: boolean
}>("effex/server/middleware/access/LookupCaller", {
  defaultValue: () => ({ identity: "anonymous", isAnonymous: true })
})

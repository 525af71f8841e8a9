import { Context } from "effect"

/**
 * Precedence of a request among those that wait for the same provider. Requests for pairs that are fetched on demand wait
 * for all others, so that any number of them does not delay a poll.
 */
export const RequestPriority = Context.Reference<"normal" | "low">("effex/providers/RequestPriority", {
  defaultValue: () => "normal"
})

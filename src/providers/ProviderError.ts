import { Duration, Schema } from "effect"
import { CurrencyPair } from "../domain/CurrencyPair.ts"

/** No answer came: no connection, or it broke, or it took too long. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  detail: Schema.String
}) {}

/** The provider failed on its side (5xx), or said that it has no rates at the moment. */
export class Failing extends Schema.TaggedError<Failing>()("Failing", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** Too many requests (429). */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {}

/** The provider refused the request (4xx): a wrong key, an address that is not allowed, a pair that it does not offer. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** An answer that is not what was promised: not JSON, too large, or without the fields. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", { detail: Schema.String }) {}

/** A well-formed answer that cannot be true: it contradicts itself, or answers another question. */
export class Contradictory extends Schema.TaggedError<Contradictory>()("Contradictory", {
  detail: Schema.String
}) {}

/** The provider failed so often that it is not asked for a while. */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  retryAfter: Schema.Duration
}) {}

export const ProviderReason = Schema.Union([
  Unreachable,
  Failing,
  RateLimited,
  Refused,
  Malformed,
  Contradictory,
  CircuitOpen
])
export type ProviderReason = typeof ProviderReason.Type

/** A provider gave no rate for a pair that could be used. */
export class ProviderError extends Schema.TaggedError<ProviderError>()("ProviderError", {
  provider: Schema.String,
  pair: CurrencyPair,
  reason: ProviderReason
}) {
  override get message(): string {
    return `${this.provider} gave no rate for ${this.pair.key}: ${describe(this.reason)}`
  }
}

/** What went wrong, in words for an operator. It holds nothing secret. */
export const describe = (reason: ProviderReason): string => {
  switch (reason._tag) {
    case "Unreachable":
      return `no answer (${reason.detail})`
    case "Failing":
      return `it failed with ${reason.status} (${reason.detail})`
    case "RateLimited":
      return "too many requests"
    case "Refused":
      return `it refused with ${reason.status} (${reason.detail})`
    case "Malformed":
      return `a malformed answer (${reason.detail})`
    case "Contradictory":
      return `an answer that cannot be true (${reason.detail})`
    case "CircuitOpen":
      return `it failed too often and is asked again in ${Duration.format(reason.retryAfter)}`
  }
}

import { Duration, Option, Schema } from "effect"
import { CurrencyPair } from "../domain/money/CurrencyPair.ts"

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

/** A well-formed answer that is not believed: it was put aside, and another provider may be. */
export class Quarantined extends Schema.TaggedError<Quarantined>()("Quarantined", {
  detail: Schema.String
}) {}

export const ProviderReason = Schema.Union([
  Unreachable,
  Failing,
  RateLimited,
  Refused,
  Malformed,
  Contradictory,
  CircuitOpen,
  Quarantined
])
export type ProviderReason = typeof ProviderReason.Type

/** No provider gave a rate for a pair that could be used: why the first did not, and why those behind it did not. */
export class ProviderError extends Schema.TaggedError<ProviderError>()("ProviderError", {
  provider: Schema.String,
  pair: CurrencyPair,
  reason: ProviderReason,
  others: Schema.optionalKey(Schema.Array(Schema.Struct({ provider: Schema.String, reason: ProviderReason })))
}) {
  /** Whether one of them answered, and was not believed: what it says was put aside, and it will hardly say another. */
  get putAside(): boolean {
    return [this, ...(this.others ?? [])].some(({ reason }) => reason._tag === "Quarantined")
  }

  override get message(): string {
    const others = (this.others ?? []).map(
      ({ provider, reason }) => `; nor did ${provider}: ${describe(reason)}`
    )
    return `${this.provider} gave no rate for ${this.pair.key}: ${describe(this.reason)}${others.join("")}`
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
    case "Quarantined":
      return `an answer that is not believed (${reason.detail})`
  }
}

/** What an answer of a status that is no success comes to. */
export const ofStatus = (
  { retryAfter, status }: { readonly status: number; readonly retryAfter: Option.Option<Duration.Duration> },
  detail: string
): ProviderReason => {
  if (status === 429) {
    return new RateLimited(Option.isSome(retryAfter) ? { retryAfter: retryAfter.value } : {})
  }
  return status >= 500
    ? new Failing({ status, detail: excerpt(detail) })
    : new Refused({ status, detail: excerpt(detail) })
}

/** What to say of an answer of which nothing can be made; `json` is its body, read. */
export const malformed = (body: string, json: Option.Option<unknown>) =>
  new Malformed({
    detail: Option.isNone(json) ? `not JSON: ${excerpt(body)}` : "fields are missing or of another kind"
  })

/** The beginning of foreign text, on one line, for a message. */
export const excerpt = (text: string) => text.slice(0, 120).replaceAll(/[^\x20-\x7e]+/g, " ")

import { Duration, Option, Schema } from "effect"
import { AssetPair } from "../domain/money/AssetPair.ts"

/** No complete response: no connection, a broken connection or a timeout. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  detail: Schema.String
}) {}

/** The provider failed (5xx), or reported that it has no rates at the moment. */
export class Failing extends Schema.TaggedError<Failing>()("Failing", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** Too many requests (429). */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  retryAfter: Schema.optionalKey(Schema.Duration)
}) {}

/** The provider rejected the request (4xx): invalid key, forbidden address or invalid parameters. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** The provider works, but does not quote the pair. The same request gets the same answer for a long time. */
export class NotQuoted extends Schema.TaggedError<NotQuoted>()("NotQuoted", {
  detail: Schema.String,
  /** Currencies through which the pair has no quoted legs either. */
  pivots: Schema.optionalKey(Schema.Array(Schema.String))
}) {}

/** This node has used up its provider calls for pairs that are not polled. */
export class OnDemandLimited extends Schema.TaggedError<OnDemandLimited>()("OnDemandLimited", {
  retryAfter: Schema.Duration
}) {}

/** The response breaks the contract: not JSON, too large or with missing fields. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", { detail: Schema.String }) {}

/** The response is well-formed but wrong: it contradicts itself or the request. */
export class Contradictory extends Schema.TaggedError<Contradictory>()("Contradictory", {
  detail: Schema.String
}) {}

/** The circuit breaker blocks requests after repeated failures. */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  retryAfter: Schema.Duration
}) {}

/** The rate is implausible and was quarantined. Another provider may have a plausible one. */
export class Quarantined extends Schema.TaggedError<Quarantined>()("Quarantined", {
  detail: Schema.String
}) {}

/**
 * The provider knows no current price of the asset, because it is not traded: its trading is halted although its market is
 * open, or it is delisted or unknown. An earlier price is no substitute.
 */
export class Untraded extends Schema.TaggedError<Untraded>()("Untraded", { detail: Schema.String }) {}

export const ProviderReason = Schema.Union([
  Unreachable,
  Failing,
  RateLimited,
  Refused,
  NotQuoted,
  OnDemandLimited,
  Malformed,
  Contradictory,
  CircuitOpen,
  Quarantined,
  Untraded
])
export type ProviderReason = typeof ProviderReason.Type

/** No provider returned a usable rate: the reason of the first provider, and those of its fallbacks. */
export class ProviderError extends Schema.TaggedError<ProviderError>()("ProviderError", {
  provider: Schema.String,
  pair: AssetPair,
  reason: ProviderReason,
  others: Schema.optionalKey(Schema.Array(Schema.Struct({ provider: Schema.String, reason: ProviderReason })))
}) {
  /** True when a provider returned a rate that was quarantined. A retry would most likely return the same rate. */
  get isQuarantined(): boolean {
    return this.reasons.some(({ reason }) => reason._tag === "Quarantined")
  }

  /** True when a provider does not quote the pair, and no other one returned a rate of it. */
  get isNotQuoted(): boolean {
    return !this.isQuarantined && this.reasons.some(({ reason }) => reason._tag === "NotQuoted")
  }

  /** Message that no provider quotes the pair. Undefined unless that is true of all providers. */
  get refusal(): string | undefined {
    if (!this.reasons.every(({ reason }) => reason._tag === "NotQuoted")) return undefined
    const providers = Array.from(new Set(this.reasons.map(({ provider }) => provider)))
    const pivots = this.reason._tag === "NotQuoted" ? (this.reason.pivots ?? []) : []
    const legs = pivots.length === 0 ? "" : `, nor legs through ${pivots.join(" or ")}`
    return `${providers.join(" and ")} ${providers.length === 1 ? "does" : "do"} not quote ${this.pair.key}${legs}`
  }

  private get reasons(): ReadonlyArray<{ readonly provider: string; readonly reason: ProviderReason }> {
    return [this, ...(this.others ?? [])]
  }

  /** Detail of the first provider for which the asset is not traded. Its last known price must not be used. */
  get untraded(): string | undefined {
    return this.reasons.map(({ reason }) => reason).find((reason) => reason._tag === "Untraded")?.detail
  }

  override get message(): string {
    const others = (this.others ?? []).map(({ provider, reason }) => `; ${provider}: ${describe(reason)}`)
    return `${this.provider} returned no rate for ${this.pair.key}: ${describe(this.reason)}${others.join("")}`
  }
}

/** Describes a reason for an operator, without secrets. */
export const describe = (reason: ProviderReason): string => {
  switch (reason._tag) {
    case "Unreachable":
      return `no response (${reason.detail})`
    case "Failing":
      return `request failed with status ${reason.status} (${reason.detail})`
    case "RateLimited":
      return "too many requests"
    case "Refused":
      return `request rejected with status ${reason.status} (${reason.detail})`
    case "NotQuoted":
      return `it does not quote the pair (${reason.detail})`
    case "OnDemandLimited":
      return `too many requests for pairs that are not polled, next one in ${Duration.format(reason.retryAfter)}`
    case "Malformed":
      return `malformed response (${reason.detail})`
    case "Contradictory":
      return `contradictory response (${reason.detail})`
    case "CircuitOpen":
      return `too many failures, next attempt in ${Duration.format(reason.retryAfter)}`
    case "Quarantined":
      return `rate quarantined (${reason.detail})`
    case "Untraded":
      return `not traded (${reason.detail})`
  }
}

/** Maps an HTTP error status to a reason. */
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

/** Shortens text of a provider to 120 printable characters on one line, for a message. */
export const excerpt = (text: string) => text.slice(0, 120).replaceAll(/[^\x20-\x7e]+/g, " ")

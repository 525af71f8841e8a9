import { type BigDecimal, DateTime, Schema } from "effect"
import type { CurrencyPair } from "../money/CurrencyPair.ts"
import * as Decimal from "../money/Decimal.ts"
import type { RateId } from "./Rate.ts"
import { describe, RateAnomaly } from "./RateAnomaly.ts"

/** Identifies one tick that was put aside. A UUIDv7: ids sort by the time at which the ticks were observed. */
export const QuarantineId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("QuarantineId"))
export type QuarantineId = typeof QuarantineId.Type

export const QuarantineStatus = Schema.Literals(["pending", "accepted", "rejected"])
export type QuarantineStatus = typeof QuarantineStatus.Type

/**
 * Who decided: an operator; ticks that agreed for long enough (`agreement`); another provider that says the same
 * (`confirmation`); or nobody anew, since the tick repeats what an operator rejected (`repetition`).
 */
export const DecidedBy = Schema.Literals(["operator", "agreement", "confirmation", "repetition"])
export type DecidedBy = typeof DecidedBy.Type

/** An operator's words for a decision. */
export const DecisionReason = Schema.String.check(
  Schema.isMinLength(1, { message: "must not be empty" }),
  Schema.isMaxLength(200, { message: "must have 200 characters at most" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "must not contain control characters" })
)

/** What became of a tick that was put aside. */
export interface Decision {
  readonly at: DateTime.Utc
  readonly by: DecidedBy
  /** Which operator: the id of a key, or a word that is none; null where it was none. */
  readonly principal: string | null
  /** The operator's own words. */
  readonly reason: string | null
  /** The rate that the tick, or the one of its streak that was accepted, has become; null where it was rejected. */
  readonly rateId: RateId | null
}

/** Who decides, and what is said of it. */
export type Decider = Pick<Decision, "by" | "principal" | "reason">

/** A tick that was not believed. */
export interface QuarantinedRate {
  readonly id: QuarantineId
  readonly pair: CurrencyPair
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly provider: string
  /** The provider's own rate field, as it was written. */
  readonly providerRate: string
  /** The provider's whole answer, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** When it was so, as the provider says; null where it does not say. */
  readonly quotedAt: DateTime.Utc | null
  readonly recordedAt: DateTime.Utc
  /** Why it is not believed; never empty. */
  readonly suspicions: ReadonlyArray<RateAnomaly>
  /** The rate that was in force when it came; null where there was none. */
  readonly lastGoodId: RateId | null
  /** How many polls in a row have brought this level, up to this tick. */
  readonly agreeing: number
  readonly status: QuarantineStatus
  /** Null while it waits. */
  readonly decision: Decision | null
}

/** No tick that was put aside has the id. */
export class QuarantineNotFound extends Schema.TaggedError<QuarantineNotFound>()("QuarantineNotFound", {
  id: QuarantineId
}) {
  override get message(): string {
    return `Nothing that was put aside has the id ${this.id}`
  }
}

/** Somebody or something decided already; a decision stands. */
export class AlreadyDecided extends Schema.TaggedError<AlreadyDecided>()("AlreadyDecided", {
  id: QuarantineId,
  status: QuarantineStatus,
  by: DecidedBy
}) {
  override get message(): string {
    return `${this.id} was ${this.status} already, by ${this.by}`
  }
}

const encodeSuspicion = Schema.encodeSync(RateAnomaly)

/** A tick that was put aside, as operators are told of it. */
export const quarantineFields = (quarantined: QuarantinedRate) => ({
  quarantine_id: quarantined.id,
  status: quarantined.status,
  from: quarantined.pair.from,
  to: quarantined.pair.to,
  rate: Decimal.format(quarantined.rate),
  provider: quarantined.provider,
  reasons: quarantined.suspicions.map((suspicion) => ({
    ...encodeSuspicion(suspicion),
    detail: describe(suspicion, quarantined.rate)
  })),
  agreeing: quarantined.agreeing,
  last_good_rate_id: quarantined.lastGoodId,
  observed_at: DateTime.formatIso(quarantined.observedAt),
  quoted_at: quarantined.quotedAt === null ? null : DateTime.formatIso(quarantined.quotedAt),
  recorded_at: DateTime.formatIso(quarantined.recordedAt),
  decided_at: quarantined.decision === null ? null : DateTime.formatIso(quarantined.decision.at),
  decided_by: quarantined.decision?.by ?? null,
  principal: quarantined.decision?.principal ?? null,
  decision_reason: quarantined.decision?.reason ?? null,
  rate_id: quarantined.decision?.rateId ?? null
})

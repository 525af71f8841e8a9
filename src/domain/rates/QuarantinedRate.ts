import { type BigDecimal, DateTime, Schema } from "effect"
import * as DisplayText from "../DisplayText.ts"
import type { AssetPair } from "../money/AssetPair.ts"
import * as Decimal from "../money/Decimal.ts"
import type { RateId } from "./Rate.ts"
import { describe, RateAnomaly } from "./RateAnomaly.ts"

/** Id of a quarantined tick. A UUIDv7: ids sort by observation time. */
export const QuarantineId = Schema.String.check(Schema.isUUID(7)).pipe(Schema.brand("QuarantineId"))
export type QuarantineId = typeof QuarantineId.Type

export const QuarantineStatus = Schema.Literals(["pending", "accepted", "rejected"])
export type QuarantineStatus = typeof QuarantineStatus.Type

/**
 * Origin of a decision: an operator; enough consecutive ticks at the same level (`agreement`); another provider with
 * the same rate (`confirmation`); or an earlier rejection by an operator that the tick repeats (`repetition`).
 */
export const DecidedBy = Schema.Literals(["operator", "agreement", "confirmation", "repetition"])
export type DecidedBy = typeof DecidedBy.Type

/** An operator's comment on a decision. */
export const DecisionReason = DisplayText.line(200)

/** The decision on a quarantined tick. */
export interface Decision {
  readonly at: DateTime.Utc
  readonly by: DecidedBy
  /** The API key id or label of the operator. Null for automatic decisions. */
  readonly principal: string | null
  /** The operator's comment. */
  readonly reason: string | null
  /** The stored rate of the tick, or of the accepted tick in its streak. Null if rejected. */
  readonly rateId: RateId | null
}

/** The part of a decision that is known before a rate is stored. */
export type DecisionDetails = Pick<Decision, "by" | "principal" | "reason">

/** A tick that the guard quarantined. It is not stored as a rate and never served. */
export interface QuarantinedRate {
  readonly id: QuarantineId
  readonly pair: AssetPair
  readonly rate: BigDecimal.BigDecimal
  readonly sourceAmount: BigDecimal.BigDecimal
  readonly destinationAmount: BigDecimal.BigDecimal
  readonly provider: string
  /** The rate field of the provider's response, verbatim. */
  readonly providerRate: string
  /** The provider's complete response, as JSON text. */
  readonly raw: string
  readonly observedAt: DateTime.Utc
  /** The provider's own timestamp of the rate. Null if the provider sends none. */
  readonly quotedAt: DateTime.Utc | null
  readonly recordedAt: DateTime.Utc
  /** The guard's findings. Never empty. */
  readonly anomalies: ReadonlyArray<RateAnomaly>
  /** The rate in force when the tick arrived. Null if there was none. */
  readonly lastGoodId: RateId | null
  /** Number of consecutive polls that returned this level, including this tick. */
  readonly agreeing: number
  readonly status: QuarantineStatus
  /** Null while the status is `pending`. */
  readonly decision: Decision | null
}

/** No quarantined tick has the id. */
export class QuarantineNotFound extends Schema.TaggedError<QuarantineNotFound>()("QuarantineNotFound", {
  id: QuarantineId
}) {
  override get message(): string {
    return `No quarantined rate has the id ${this.id}`
  }
}

/** The tick was already decided. Decisions are final. */
export class AlreadyDecided extends Schema.TaggedError<AlreadyDecided>()("AlreadyDecided", {
  id: QuarantineId,
  status: QuarantineStatus,
  by: DecidedBy
}) {
  override get message(): string {
    return `${this.id} was already ${this.status} by ${this.by}`
  }
}

const encodeAnomaly = Schema.encodeSync(RateAnomaly)

/** JSON fields of a quarantined tick in the admin API. */
export const quarantineFields = (quarantined: QuarantinedRate) => ({
  quarantine_id: quarantined.id,
  status: quarantined.status,
  from: quarantined.pair.from,
  to: quarantined.pair.to,
  rate: Decimal.format(quarantined.rate),
  provider: quarantined.provider,
  reasons: quarantined.anomalies.map((anomaly) => ({
    ...encodeAnomaly(anomaly),
    detail: describe(anomaly, quarantined.rate)
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

import { BigDecimal, DateTime, Effect, Layer, Metric } from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import { HoldId, type LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as Currency from "../domain/money/Currency.ts"
import { assess, incrementOf, type MovementHistory, needsHistory } from "../domain/risk/Assessment.ts"
import * as Denial from "../domain/risk/Denial.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import type { RiskRules } from "../domain/risk/RiskRules.ts"
import * as Usage from "../domain/risk/Usage.ts"
import * as UsageLimits from "../domain/risk/UsageLimits.ts"
import { type Admission, type GateDecision, PostingGate } from "../ledger/PostingGate.ts"
import * as RiskMetrics from "../platform/metrics/RiskMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { type DecisionRecord, DecisionRepo, type NewDecision, type NewReview } from "./DecisionRepo.ts"
import { type BoundedMovement, RiskRepo } from "./RiskRepo.ts"
import { RiskRuleSettings } from "./RiskRuleSettings.ts"
import { UsageBatch } from "./UsageBatch.ts"

/** Applies the risk rules to movements, inside the transaction that posts them. */
export const layerNoDeps = Layer.effect(
  PostingGate,
  Effect.gen(function* () {
    const { homeCurrency, riskReviewExpiry } = yield* Settings
    const repo = yield* RiskRepo
    const decisions = yield* DecisionRepo
    const { afterCommit } = (yield* Database).sql
    const { current } = yield* RiskRuleSettings
    const random = yield* SecureRandom.SecureRandom
    const home = Currency.get(homeCurrency)

    const holdOf = Effect.fnUntraced(function* (
      posting: LedgerPosting,
      { account, amount, counterparty }: MovementFacts,
      decision: NewDecision
    ) {
      const expiresAt = DateTime.addDuration(decision.at, riskReviewExpiry)
      const own = holdOnly(posting)
      const holdId = own ?? HoldId.make(yield* random.uuidV7())
      const review: NewReview = {
        id: posting.id,
        decision: decision.id,
        holdId,
        counterparty,
        posting,
        expiresAt
      }
      if (own !== undefined) return { review, held: posting }
      const details = posting.heldDetails ?? posting.details
      const held: LedgerPosting = {
        ...posting,
        details,
        kind: `${posting.kind}.review`,
        entries: [],
        opens: [{ holdId, account, amount, expiresAt }],
        ends: []
      }
      return { review: { ...review, posting: { ...posting, details } }, held }
    })

    const readHistory = (rules: RiskRules, movement: MovementFacts, now: DateTime.Utc) =>
      repo.history(movement, {
        received: DateTime.subtractDuration(now, rules.circular_transfer.window),
        deposited: DateTime.subtractDuration(now, rules.deposit_withdrawal.window)
      })

    const admitWithin: PostingGate["Service"]["admitWithin"] = Effect.fnUntraced(
      function* (postings, columns) {
        const rules = current()
        const now = yield* DateTime.now
        const movements: Array<BoundedMovement> = []
        for (const [i, { movement }] of postings.entries()) {
          if (movement === undefined) continue
          const bound = UsageLimits.boundOf(rules, movement, now)
          if (bound === undefined) return undefined
          const { isSmallOrder } = incrementOf(rules, movement)
          movements.push({ ...bound, item: i + 1, movement, isSmallOrder })
        }
        return repo.postWithin(columns, movements, UsageLimits.limitsOf(rules), Usage.hourAt(now, []))
      }
    )

    const admit: PostingGate["Service"]["admit"] = Effect.fnUntraced(function* (postings) {
      const rules = current()
      const stored = yield* repo.lock(
        postings.flatMap(({ movement }) => (movement === undefined ? [] : [movement.wallet]))
      )
      // Within the locks, so that the time of a wallet does not go back.
      const now = yield* DateTime.now
      const batch = new UsageBatch(stored)
      const outcomes: Array<GateDecision> = []
      const recorded: Array<Recorded> = []
      for (const [position, posting] of postings.entries()) {
        const { idempotency, movement } = posting
        if (movement === undefined) {
          outcomes.push(ADMIT)
          continue
        }
        const usages = batch.usagesOf(movement)
        const hour = Usage.hourAt(now, usages)
        const history = needsHistory(rules, movement, usages, hour, now)
          ? yield* readHistory(rules, movement, now)
          : NO_HISTORY
        const state = batch.stateOf(movement, history)
        const assessment = assess(rules, movement, state, hour, now)
        let decision: NewDecision | undefined
        if (assessment.fired.length > 0) {
          // A replay returns its first outcome, whatever the rules say now.
          if (idempotency !== undefined && (yield* repo.isReplay(idempotency))) {
            outcomes.push(ADMIT)
            continue
          }
          // An earlier movement of the batch may still fail, and then it must not count.
          if (batch.has(movement.wallet)) {
            outcomes.push({ _tag: "Defer" })
            continue
          }
          decision = { id: yield* random.uuidV7(), at: now, movement, ...assessment }
          if (assessment.outcome === "deny") {
            outcomes.push(refusal(decision.id, Denial.ofRules(assessment.fired, home)))
            recorded.push({ position, decision, review: undefined })
            continue
          }
        }
        batch.add(position, movement, state, incrementOf(rules, movement), hour)
        if (decision !== undefined && assessment.outcome === "review") {
          const { held, review } = yield* holdOf(posting, movement, decision)
          outcomes.push({ _tag: "Hold", posting: held })
          recorded.push({ position, decision, review })
        } else {
          outcomes.push(ADMIT)
          if (decision !== undefined) recorded.push({ position, decision, review: undefined })
        }
      }
      const admission: Admission = {
        decisions: outcomes,
        alongside: batch.isEmpty ? undefined : repo.store(batch.result),
        record: (posted) => record(batch, recorded, posted)
      }
      return admission
    })

    /** Corrects the usage if a movement failed, and records what fired for the others. */
    const record = Effect.fnUntraced(function* (
      batch: UsageBatch,
      recorded: ReadonlyArray<Recorded>,
      posted: ReadonlyArray<PostOutcome | undefined>
    ) {
      const exact = batch.resultOf((position) => isPosted(posted[position]))
      if (exact !== undefined) yield* repo.store(exact)
      if (recorded.length === 0) return
      const stored = recorded.flatMap(({ decision, position, review }): ReadonlyArray<DecisionRecord> => {
        const outcome = posted[position]
        if (outcome?._tag === "GateRefused") return [{ decision, review, transfer: undefined }]
        return isPosted(outcome) ? [{ decision, review, transfer: outcome.id }] : []
      })
      yield* decisions.insert(stored)
      yield* afterCommit(
        Effect.forEach(
          stored.flatMap(({ decision: { fired, outcome } }) => fired.map(({ rule }) => ({ rule, outcome }))),
          (labels) => Metric.update(RiskMetrics.decisions.of(labels), 1),
          { discard: true }
        )
      )
    })

    return PostingGate.of({
      admitWithin,
      admit,
      explain: (id) => Effect.map(decisions.firedBy(id), (fired) => Denial.ofRules(fired, home))
    })
  })
)

/** Applies the risk rules that are in effect. */
export const layer = layerNoDeps.pipe(Layer.provide([RiskRepo.layer, DecisionRepo.layer]))

interface Recorded {
  readonly position: number
  readonly decision: NewDecision
  readonly review: NewReview | undefined
}

type Accepted = Extract<PostOutcome, { readonly _tag: "Posted" | "Held" }>

/** A replay was counted before. */
const isPosted = (outcome: PostOutcome | undefined): outcome is Accepted =>
  (outcome?._tag === "Posted" || outcome?._tag === "Held") && !outcome.replayed

const ZERO = BigDecimal.make(0n, 0)
const NO_HISTORY: MovementHistory = { available: ZERO, received: ZERO, returned: ZERO, deposited: ZERO }
const ADMIT: GateDecision = { _tag: "Admit" }

const refusal = (decision: string, denial: Denial.Denial): GateDecision => ({
  _tag: "Refuse",
  outcome: { _tag: "GateRefused", replayed: false, decision, denial }
})

/** The hold of a posting that does nothing else. It stays as it is, and its owner ends it. */
const holdOnly = ({ ends, entries, opens }: LedgerPosting): HoldId | undefined =>
  entries.length === 0 && ends.length === 0 && opens.length === 1 ? opens[0]?.holdId : undefined

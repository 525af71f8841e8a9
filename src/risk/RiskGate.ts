import { BigDecimal, DateTime, Effect, Layer, Metric } from "effect"
import { SecureRandom } from "effect/crypto"
import { Settings } from "../config/Settings.ts"
import { HoldId, type LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { GateRefused, PostOutcome } from "../domain/ledger/PostOutcome.ts"
import * as Currency from "../domain/money/Currency.ts"
import { assess, type Assessment, incrementOf } from "../domain/risk/Assessment.ts"
import * as Denial from "../domain/risk/Denial.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import type { RiskRules } from "../domain/risk/RiskRules.ts"
import * as Usage from "../domain/risk/Usage.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { type Admission, type GateDecision, PostingGate } from "../ledger/PostingGate.ts"
import * as RiskMetrics from "../platform/metrics/RiskMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { type DecisionRecord, DecisionRepo, type NewDecision, type NewReview } from "./DecisionRepo.ts"
import { type CountedMovement, type LockedState, RiskRepo, type StateRequest } from "./RiskRepo.ts"
import { RiskRuleSettings } from "./RiskRuleSettings.ts"

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

    /** Locks the wallets of all movements. Returns the states by the position of the posting. */
    const lock = Effect.fnUntraced(function* (postings: ReadonlyArray<LedgerPosting>, rules: RiskRules) {
      const positions: Array<number> = []
      const requests: Array<StateRequest> = []
      postings.forEach(({ idempotency, movement }, i) => {
        if (movement === undefined) return
        positions.push(i)
        requests.push({ movement, key: idempotency, readsReceived: readsReceived(rules, movement) })
      })
      const now = yield* DateTime.now
      const locked = yield* repo.lock(requests, {
        usage: DateTime.makeUnsafe(Usage.dayOf(DateTime.toEpochMillis(now))),
        received: DateTime.subtractDuration(now, rules.circular_transfer.window),
        deposited: DateTime.subtractDuration(now, rules.deposit_withdrawal.window)
      })
      return new Map(positions.map((position, i) => [position, locked[i]]))
    })

    const newDecision = Effect.fnUntraced(function* (
      movement: MovementFacts,
      assessment: Assessment,
      at: DateTime.Utc
    ) {
      const decision: NewDecision = { id: yield* random.uuidV7(), at, movement, ...assessment }
      return decision
    })

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
      const held: LedgerPosting = {
        ...posting,
        kind: `${posting.kind}.review`,
        entries: [],
        opens: [{ holdId, account, amount, expiresAt }],
        ends: []
      }
      return { review, held }
    })

    const admit: PostingGate["Service"]["admit"] = Effect.fnUntraced(function* (postings) {
      const rules = current()
      const states = yield* lock(postings, rules)
      // Within the locks, so that the time of a wallet does not go back.
      const now = yield* DateTime.now
      const batch = new BatchState()
      const outcomes: Array<GateDecision> = []
      const counted: Array<CountedMovement> = []
      const recorded: Array<Recorded> = []
      let n = 0
      for (const [i, posting] of postings.entries()) {
        const { movement } = posting
        const state = states.get(i)
        if (movement === undefined || state === undefined || state.isReplay) {
          outcomes.push(ADMIT)
          n++
          continue
        }
        const seen = batch.of(movement, state)
        const hour = Usage.hourAt(now, seen.usages)
        const assessment = assess(rules, movement, seen, hour, now)
        const fires = assessment.fired.length > 0
        // An earlier movement of the batch may still fail, and then it must not count.
        if (fires && batch.has(movement.wallet)) {
          outcomes.push({ _tag: "Defer" })
          continue
        }
        const decision = fires ? yield* newDecision(movement, assessment, now) : undefined
        if (decision !== undefined && assessment.outcome === "deny") {
          const denial = Denial.ofRules(assessment.fired, home)
          outcomes.push({ _tag: "Refuse", outcome: refused(decision.id, denial) })
          recorded.push({ position: i, decision, review: undefined, posting })
          continue
        }
        n++
        const increment = incrementOf(rules, movement)
        batch.add(movement, seen, increment, hour)
        counted.push({ n, wallet: movement.wallet, hour, ...increment })
        if (decision === undefined) {
          outcomes.push(ADMIT)
        } else if (assessment.outcome === "review") {
          const { held, review } = yield* holdOf(posting, movement, decision)
          outcomes.push({ _tag: "Hold", posting: held })
          recorded.push({ position: i, decision, review, posting })
        } else {
          outcomes.push(ADMIT)
          recorded.push({ position: i, decision, review: undefined, posting })
        }
      }
      const admission: Admission = {
        decisions: outcomes,
        count: counted.length === 0 ? undefined : repo.count(counted),
        record: recorded.length === 0 ? undefined : (posted) => record(recorded, posted)
      }
      return admission
    })

    /** Records what fired, except for movements that failed for another reason. */
    const record = Effect.fnUntraced(function* (
      recorded: ReadonlyArray<Recorded>,
      posted: ReadonlyArray<PostOutcome | undefined>
    ) {
      const stored = recorded.flatMap(({ decision, position, review }): ReadonlyArray<DecisionRecord> => {
        const outcome = posted[position]
        if (outcome?._tag === "GateRefused") return [{ decision, review, transfer: undefined }]
        return outcome?._tag === "Posted" || outcome?._tag === "Held"
          ? [{ decision, review, transfer: outcome.id }]
          : []
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
  readonly posting: LedgerPosting
}

/** The hold of a posting that does nothing else. It stays as it is, and its owner ends it. */
const holdOnly = ({ ends, entries, opens }: LedgerPosting): HoldId | undefined =>
  entries.length === 0 && ends.length === 0 && opens.length === 1 ? opens[0]?.holdId : undefined

const ADMIT: GateDecision = { _tag: "Admit" }

const refused = (decision: string, denial: Denial.Denial): GateRefused => ({
  _tag: "GateRefused",
  replayed: false,
  decision,
  denial
})

/** Only large transfers can fire the rule, so that most read no history. */
const readsReceived = ({ circular_transfer }: RiskRules, { kind, value }: MovementFacts) =>
  kind === "transfer" &&
  circular_transfer.enabled &&
  (value === undefined || BigDecimal.isGreaterThanOrEqualTo(value, circular_transfer.min_value))

/** What the earlier movements of a batch change, if they are posted. */
class BatchState {
  private readonly usages = new Map<WalletId, ReadonlyArray<Usage.Usage>>()
  private readonly available = new Map<string, BigDecimal.BigDecimal>()

  has(wallet: WalletId): boolean {
    return this.usages.has(wallet)
  }

  of({ account, wallet }: MovementFacts, state: LockedState): LockedState {
    return {
      ...state,
      usages: this.usages.get(wallet) ?? state.usages,
      available: this.available.get(account) ?? state.available
    }
  }

  add(
    { account, amount, wallet }: MovementFacts,
    { available, usages }: LockedState,
    increment: Usage.UsageIncrement,
    hour: number
  ): void {
    this.usages.set(wallet, Usage.add(usages, increment, hour))
    this.available.set(account, BigDecimal.subtract(available, amount))
  }
}

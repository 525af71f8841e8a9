import { Context, Effect, Layer, Metric, Option } from "effect"
import type { SqlError } from "effect/sql"
import {
  AlreadyDecided,
  type DecisionDetails,
  type QuarantinedRate,
  type QuarantineId,
  QuarantineNotFound
} from "../../domain/rates/QuarantinedRate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { RateIngest } from "../RateIngest.ts"
import { QuarantineDecisionRepo } from "./QuarantineDecisionRepo.ts"
import { QuarantineRepo } from "./QuarantineRepo.ts"
import { decisionsBy } from "./RateGuard.ts"

type DecisionError = QuarantineNotFound | AlreadyDecided | StoreUnavailable

/** Operator who decides, and their comment. */
export interface Operator {
  /** API key id, or a label for operators without a key. */
  readonly principal: string
  readonly reason: string | null
  /** Records the decision in its transaction. Does not run if the tick was decided before. */
  readonly record?: Effect.Effect<void, SqlError.SqlError>
}

/** Quarantined ticks, for operators to list, accept and reject. */
export class Quarantine extends Context.Service<
  Quarantine,
  {
    readonly byId: (id: QuarantineId) => Effect.Effect<QuarantinedRate, QuarantineNotFound | StoreUnavailable>
    /** Returns at most `limit` ticks before an id, newest first. */
    readonly page: QuarantineRepo["Service"]["page"]
    /**
     * Accepts a tick and the pending ticks of its streak. The tick becomes a rate, in force from its observation, and its
     * level becomes a reference level.
     */
    readonly accept: (id: QuarantineId, operator: Operator) => Effect.Effect<QuarantinedRate, DecisionError>
    /** Rejects a tick and the pending ticks of its streak. Later ticks of the streak are rejected automatically. */
    readonly reject: (id: QuarantineId, operator: Operator) => Effect.Effect<QuarantinedRate, DecisionError>
    /** Number of ticks that wait for a decision. */
    readonly pendingCount: QuarantineRepo["Service"]["pendingCount"]
  }
>()("effex/rates/guard/Quarantine") {
  static readonly layerNoDeps = Layer.effect(
    Quarantine,
    Effect.gen(function* () {
      const repo = yield* QuarantineRepo
      const decisions = yield* QuarantineDecisionRepo
      const ingest = yield* RateIngest
      const { transaction } = yield* Database

      const byId = Effect.fn("Quarantine.byId")(function* (id: QuarantineId) {
        const found = yield* repo.byId(id)
        return Option.isSome(found) ? found.value : yield* new QuarantineNotFound({ id })
      })

      /** Returns the decided tick, or fails if it was decided before. */
      const afterDecision = Effect.fnUntraced(function* (id: QuarantineId, isDecided: boolean) {
        const found = yield* byId(id)
        const { decision, status } = found
        if (isDecided) {
          yield* Effect.logInfo(
            `Quarantined rate ${id} (${found.pair.key} of ${found.provider}) ${status} by ${decision?.principal}` +
              (decision?.reason == null ? "" : `: ${decision.reason}`)
          )
          return found
        }
        return yield* new AlreadyDecided({ id, status, by: decision?.by ?? "operator" })
      })

      /** Runs a decision and its record in one transaction. */
      const recorded = <A>(
        decision: Effect.Effect<A, StoreUnavailable>,
        isDecided: (outcome: A) => boolean,
        { record }: Operator
      ) =>
        record === undefined
          ? decision
          : withDatabaseTimeout(
              transaction(Effect.tap(decision, (outcome) => (isDecided(outcome) ? record : Effect.void)))
            )

      const accept = Effect.fn("Quarantine.accept")(function* (id: QuarantineId, operator: Operator) {
        const rate = yield* recorded(
          decisions.accept(id, detailsOf(operator), Option.none()),
          Option.isSome,
          operator
        )
        if (Option.isSome(rate)) {
          yield* ingest.publish(rate.value)
          yield* Metric.update(decisionsBy("accepted", "operator"), 1)
        }
        return yield* afterDecision(id, Option.isSome(rate))
      })

      const reject = Effect.fn("Quarantine.reject")(function* (id: QuarantineId, operator: Operator) {
        const isRejected = yield* recorded(decisions.reject(id, detailsOf(operator)), Boolean, operator)
        if (isRejected) yield* Metric.update(decisionsBy("rejected", "operator"), 1)
        return yield* afterDecision(id, isRejected)
      })

      return Quarantine.of({ byId, page: repo.page, accept, reject, pendingCount: repo.pendingCount })
    })
  )

  static readonly layer = Quarantine.layerNoDeps.pipe(
    Layer.provide([QuarantineRepo.layer, QuarantineDecisionRepo.layer])
  )
}

const detailsOf = ({ principal, reason }: Operator): DecisionDetails => ({
  by: "operator",
  principal,
  reason
})

import { Context, Effect, Layer, Metric, Option } from "effect"
import {
  AlreadyDecided,
  type QuarantinedRate,
  type QuarantineId,
  QuarantineNotFound
} from "../../domain/rates/QuarantinedRate.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { QuarantineRepo } from "./QuarantineRepo.ts"
import { decisionsBy } from "./RateGuard.ts"
import { RateIngest } from "../RateIngest.ts"

/** Why nothing could be decided. */
type Undecidable = QuarantineNotFound | AlreadyDecided | StoreUnavailable

/** Who decides by hand, and why. */
export interface Operator {
  /** The id of a key, or a word that is none. */
  readonly principal: string
  readonly reason: string | null
}

/** What was put aside, for operators to look at and to decide. */
export class Quarantine extends Context.Service<
  Quarantine,
  {
    readonly byId: (id: QuarantineId) => Effect.Effect<QuarantinedRate, QuarantineNotFound | StoreUnavailable>
    /** At most `limit` of them before an id, newest first. */
    readonly page: QuarantineRepo["Service"]["page"]
    /**
     * Makes a tick that was put aside a rate, in force from when it was observed, and its level the new normal. What
     * waits of its streak is accepted with it. `operator` is kept with the decision.
     */
    readonly accept: (id: QuarantineId, operator: Operator) => Effect.Effect<QuarantinedRate, Undecidable>
    /** Lets a tick be, and with it what waits of its streak, and what comes of it. */
    readonly reject: (id: QuarantineId, operator: Operator) => Effect.Effect<QuarantinedRate, Undecidable>
    /** How many wait for a decision. */
    readonly pending: QuarantineRepo["Service"]["pending"]
  }
>()("effex/rates/guard/Quarantine") {
  static readonly layer = Layer.effect(
    Quarantine,
    Effect.gen(function* () {
      const repo = yield* QuarantineRepo
      const intake = yield* RateIngest

      const byId = Effect.fn("Quarantine.byId")(function* (id: QuarantineId) {
        const found = yield* repo.byId(id)
        return Option.isSome(found) ? found.value : yield* new QuarantineNotFound({ id })
      })

      /** What is there now, where it was decided just now; else why it could not be. */
      const concluded = Effect.fnUntraced(function* (id: QuarantineId, decided: boolean) {
        const found = yield* byId(id)
        const { decision, status } = found
        if (decided) {
          yield* Effect.logInfo(
            `${decision?.principal} ${status} ${id}, ${found.pair.key} of ${found.provider}` +
              (decision?.reason == null ? "" : `: ${decision.reason}`)
          )
          return found
        }
        return yield* new AlreadyDecided({ id, status, by: decision?.by ?? "operator" })
      })

      const accept = Effect.fn("Quarantine.accept")(function* (id: QuarantineId, operator: Operator) {
        const decider = { by: "operator", ...operator } as const
        const rate: Option.Option<Rate> = yield* repo.accept(id, decider, Option.none())
        if (Option.isSome(rate)) {
          yield* intake.tell(rate.value)
          yield* Metric.update(decisionsBy("accepted", "operator"), 1)
        }
        return yield* concluded(id, Option.isSome(rate))
      })

      const reject = Effect.fn("Quarantine.reject")(function* (id: QuarantineId, operator: Operator) {
        const rejected = yield* repo.reject(id, { by: "operator", ...operator })
        if (rejected) yield* Metric.update(decisionsBy("rejected", "operator"), 1)
        return yield* concluded(id, rejected)
      })

      return Quarantine.of({ byId, page: repo.page, accept, reject, pending: repo.pending })
    })
  ).pipe(Layer.provide(QuarantineRepo.layer))
}

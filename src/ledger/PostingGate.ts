import { Context, Effect, Layer } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { Denial } from "../domain/risk/Denial.ts"
import type { GateRefused, PostOutcome } from "../domain/ledger/PostOutcome.ts"

/** Decision of the gate on one posting. */
export type GateDecision =
  /** Post it. */
  | { readonly _tag: "Admit" }
  /** Post this instead, as a hold that an administrator decides on later. */
  | { readonly _tag: "Hold"; readonly posting: LedgerPosting }
  | { readonly _tag: "Refuse"; readonly outcome: GateRefused }
  /** Decide again in a later call: an earlier posting of the same call may fail, and then this one could be posted. */
  | { readonly _tag: "Defer" }

/** Decisions on all postings of one call, in their order. */
export interface Admission {
  readonly decisions: ReadonlyArray<GateDecision>
  /** Data-modifying statement that is sent together with the call of `post_batch`. */
  readonly alongside: Statement.Fragment | undefined
  /** Runs in the same transaction after the postings, with the outcomes of all that were not deferred. */
  readonly record:
    | ((outcomes: ReadonlyArray<PostOutcome | undefined>) => Effect.Effect<void, SqlError.SqlError>)
    | undefined
}

/** Decides on postings with a `movement`, inside the transaction that posts them. */
export class PostingGate extends Context.Service<
  PostingGate,
  {
    /**
     * Returns the call of a function that posts the movements only if the gate admits all of them, and returns no row otherwise:
     * then ask {@link admit}. `columns` are the arguments of `post_batch`. Undefined if the gate must decide on one of them.
     */
    readonly admitWithin: (
      postings: ReadonlyArray<LedgerPosting>,
      columns: Statement.Fragment
    ) => Effect.Effect<Statement.Fragment | undefined>
    /** Locks the subjects of the movements until the end of the transaction, so that what it reads stays true. */
    readonly admit: (postings: ReadonlyArray<LedgerPosting>) => Effect.Effect<Admission, SqlError.SqlError>
    /** Returns what a user learns of an earlier refusal. */
    readonly explain: (decision: string) => Effect.Effect<Denial, SqlError.SqlError>
  }
>()("effex/ledger/PostingGate") {
  /** Admits every posting. */
  static readonly layerOpen = Layer.succeed(PostingGate, {
    admitWithin: () => Effect.undefined,
    admit: (postings) =>
      Effect.succeed({ decisions: postings.map(() => ADMIT), alongside: undefined, record: undefined }),
    explain: () => Effect.succeed(UNKNOWN)
  })
}

const ADMIT: GateDecision = { _tag: "Admit" }

const UNKNOWN: Denial = { detail: "This movement was refused", remaining: null, unit: null, resetsAt: null }

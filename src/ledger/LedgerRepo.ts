import { Context, Effect, Layer } from "effect"
import type { SqlClient, SqlError, Statement } from "effect/sql"
import type { LedgerPosting } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import { Database } from "../platform/postgres/Database.ts"
import { withDatabaseTimeout } from "../platform/postgres/DatabaseTimeout.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as PostBatch from "./PostBatch.ts"
import { type GateDecision, PostingGate } from "./PostingGate.ts"

/** Calls `post_batch`, with the decisions of the posting gate in the same transaction. */
export class LedgerRepo extends Context.Service<
  LedgerRepo,
  {
    /**
     * Posts in the open transaction of the caller. The same key must not occur twice in one call. The outcome is undefined
     * for a posting that the gate deferred: it is posted by another call. The first movement of a wallet is never deferred.
     */
    readonly call: (
      postings: ReadonlyArray<LedgerPosting>
    ) => Effect.Effect<ReadonlyArray<PostOutcome | undefined>, SqlError.SqlError>
    /** Posts in one transaction of its own, within one database timeout. */
    readonly tryCall: (
      postings: ReadonlyArray<LedgerPosting>
    ) => Effect.Effect<ReadonlyArray<PostOutcome | undefined>, SqlError.SqlError | StoreUnavailable>
    /**
     * Posts and runs a dependent statement, as one statement. Undefined, with nothing stored, if the gate must decide on one of the
     * postings. See `Ledger.postWith`.
     */
    readonly tryCallWith: (
      postings: ReadonlyArray<LedgerPosting>,
      dependent: Statement.Fragment
    ) => Effect.Effect<ReadonlyArray<PostOutcome> | undefined, SqlError.SqlError | StoreUnavailable>
    /** Stores refusals as the outcomes of their keys. See `Ledger.refuse`. */
    readonly storeRefusals: (
      refusals: ReadonlyArray<PostBatch.Refusal>
    ) => Effect.Effect<void, SqlError.SqlError | StoreUnavailable>
    /** Runs an effect after the commit of the open transaction. */
    readonly afterCommit: (effect: Effect.Effect<void>) => Effect.Effect<void>
  }
>()("effex/ledger/LedgerRepo") {
  static readonly layer = Layer.effect(
    LedgerRepo,
    Effect.gen(function* () {
      const { pipeline, sql, tryExecute } = yield* Database
      const gate = yield* PostingGate

      const post = (
        client: SqlClient.SqlClient,
        postings: ReadonlyArray<LedgerPosting>,
        alongside?: Statement.Fragment
      ): Effect.Effect<ReadonlyArray<PostOutcome>, SqlError.SqlError> =>
        postings.length === 0
          ? Effect.succeed([])
          : Effect.flatMap(
              PostBatch.statement(client, sql`post_batch(${PostBatch.columnsOf(sql, postings)})`, alongside),
              (rows) => PostBatch.outcomes(rows, gate)
            )

      /** Posts in one statement if the gate admits all; undefined, with nothing posted, if it must decide on each. */
      const postWithinLimits = Effect.fnUntraced(function* (
        client: SqlClient.SqlClient,
        postings: ReadonlyArray<LedgerPosting>,
        dependent?: Statement.Fragment
      ) {
        const columns = PostBatch.columnsOf(sql, postings)
        const call = postings.some(isMovement)
          ? yield* gate.admitWithin(postings, columns)
          : sql`post_batch(${columns})`
        if (call === undefined) return undefined
        const rows = yield* dependent === undefined
          ? PostBatch.statement(client, call)
          : PostBatch.statementWith(client, call, dependent)
        return rows.length === 0 ? undefined : yield* PostBatch.outcomes(rows, gate)
      })

      const postAdmitted = Effect.fnUntraced(function* (postings: ReadonlyArray<LedgerPosting>) {
        const { alongside, decisions, record } = yield* gate.admit(postings)
        const admitted = postings.flatMap((posting, i) => postedBy(posting, decisions[i]))
        const posted = (yield* post(sql, admitted, alongside)).values()
        const outcomes = decisions.map((decision) => outcomeOf(decision, posted))
        const refusals = postings.flatMap((posting, i) => {
          const decision = decisions[i]
          return posting.idempotency !== undefined && decision?._tag === "Refuse"
            ? [{ posting, decision: decision.outcome.decision }]
            : []
        })
        if (refusals.length > 0) yield* PostBatch.storeRefusals(sql, refusals, "fail")
        if (record !== undefined) yield* record(outcomes)
        return outcomes
      })

      const call: LedgerRepo["Service"]["call"] = (postings) =>
        postings.some(isMovement) ? postAdmitted(postings) : post(sql, postings)

      return LedgerRepo.of({
        afterCommit: sql.afterCommit,
        call,
        tryCall: Effect.fnUntraced(function* (postings) {
          // One statement is one transaction.
          if (!postings.some(isMovement)) return yield* pipeline((client) => post(client, postings))
          const posted = yield* pipeline((client) => postWithinLimits(client, postings))
          return posted ?? (yield* tryExecute(sql.withTransaction(call(postings))))
        }, withDatabaseTimeout),
        tryCallWith: (postings, dependent) =>
          pipeline((client) => postWithinLimits(client, postings, dependent)),
        storeRefusals: (refusals) =>
          Effect.asVoid(pipeline((client) => PostBatch.storeRefusals(client, refusals, "keep")))
      })
    })
  )
}

const isMovement = ({ movement }: LedgerPosting) => movement !== undefined

const postedBy = (posting: LedgerPosting, decision: GateDecision | undefined) => {
  if (decision?._tag === "Admit") return [posting]
  return decision?._tag === "Hold" ? [decision.posting] : []
}

/** Takes the outcome of the next posting, if the decision led to one. */
const outcomeOf = (decision: GateDecision, posted: Iterator<PostOutcome>): PostOutcome | undefined => {
  if (decision._tag === "Defer") return undefined
  if (decision._tag === "Refuse") return decision.outcome
  const outcome: PostOutcome | undefined = posted.next().value
  return decision._tag === "Hold" && outcome?._tag === "Posted" && !outcome.replayed
    ? { _tag: "Held", replayed: false, id: outcome.id }
    : outcome
}

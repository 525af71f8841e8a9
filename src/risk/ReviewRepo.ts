import { Array, Context, DateTime, Effect, Layer, type Option } from "effect"
import type { SqlError, Statement } from "effect/sql"
import type { HoldId, TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { Review, ReviewState, RiskDecision } from "../domain/risk/Review.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as Rows from "./ReviewRows.ts"
import type { ReviewDecision, StoredReview } from "./StoredReview.ts"

/** Reviews and decisions in PostgreSQL. */
export class ReviewRepo extends Context.Service<
  ReviewRepo,
  {
    /** Locks a review until the end of the open transaction. Returns false if there is none. */
    readonly lock: (id: TransferId) => Effect.Effect<boolean, SqlError.SqlError>
    readonly byId: (id: TransferId) => Effect.Effect<Option.Option<StoredReview>, SqlError.SqlError>
    /** Returns true if the money is not held any more. */
    readonly hasHoldEnded: (id: HoldId) => Effect.Effect<boolean, SqlError.SqlError>
    /** Inserts the end of a review in the open transaction. Returns false if it has one. */
    readonly end: (
      decision: ReviewDecision,
      outcome: "approved" | "rejected" | "cancelled",
      transfer: TransferId | null
    ) => Effect.Effect<boolean, SqlError.SqlError>
    /** At most `limit` reviews before an id, newest first. */
    readonly page: (
      state: ReviewState | undefined,
      before: TransferId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Review>, StoreUnavailable>
    /** At most `limit` decisions before an id, newest first. */
    readonly decisions: (
      wallet: WalletId | undefined,
      before: string | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<RiskDecision>, StoreUnavailable>
    /** Number of pending reviews, and the age of the oldest in seconds. */
    readonly pending: Effect.Effect<{ readonly count: number; readonly oldest: number }, StoreUnavailable>
    /** Number of reviews that expired without a decision after a time, up to another one. */
    readonly expired: (after: DateTime.Utc, until: DateTime.Utc) => Effect.Effect<number, StoreUnavailable>
  }
>()("effex/risk/ReviewRepo") {
  static readonly layer = Layer.effect(
    ReviewRepo,
    Effect.gen(function* () {
      const { execute, read, sql } = yield* Database

      const state = (now: Date) => sql`
        CASE WHEN ended.outcome IS NOT NULL THEN ended.outcome WHEN review.expires_at <= ${now} THEN 'expired' ELSE 'pending' END`
      const decisionColumns =
        sql.literal(`decision.id AS decision_id, decision.at, decision.wallet_id AS wallet,
        app_user.id AS user_id, app_user.username, decision.kind, decision.asset, decision.amount, decision.value,
        decision.outcome, decision.rules::text AS rules, decision.transfer_id AS decision_transfer`)
      const decisionTables = sql.literal(`risk_decision AS decision
        JOIN wallet ON wallet.id = decision.wallet_id JOIN app_user ON app_user.id = wallet.user_id`)

      const select = Effect.fnUntraced(function* (
        where: (state: Statement.Fragment, now: Date) => Statement.Fragment,
        limit: number
      ) {
        const now = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* sql`
          SELECT review.id, review.hold_id, review.expires_at, review.posting::text AS posting, ${decisionColumns},
            recipient.id AS recipient_id, recipient.username AS counterparty, ${state(now)} AS state,
            placed.side AS order_side, placed.asset AS order_asset, placed.amount AS order_amount, placed.price AS order_price,
            placed.total AS order_total, placed.state AS order_state, placed.reason AS order_reason,
            ended.principal AS decided_by, ended.at AS decided_at, ended.reason, ended.transfer_id AS transfer
          FROM risk_review AS review JOIN ${decisionTables} ON decision.id = review.decision_id
          LEFT JOIN risk_review_end AS ended ON ended.review_id = review.id
          LEFT JOIN customer_order AS placed ON placed.id = review.id
          LEFT JOIN wallet AS recipient_wallet ON recipient_wallet.id = review.counterparty
          LEFT JOIN app_user AS recipient ON recipient.id = recipient_wallet.user_id
          WHERE ${where(state(now), now)} ORDER BY review.id DESC LIMIT ${limit}`
        return (yield* Effect.orDie(Rows.decodeReviews(rows))).map(Rows.toReview)
      })

      const lock: ReviewRepo["Service"]["lock"] = (id) =>
        Effect.map(sql`SELECT 1 FROM risk_review WHERE id = ${id} FOR UPDATE`, (rows) => rows.length > 0)

      const end = Effect.fnUntraced(function* (
        { id, principal, reason }: ReviewDecision,
        outcome: "approved" | "rejected" | "cancelled",
        transfer: TransferId | null
      ) {
        const at = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* sql`
          INSERT INTO risk_review_end (review_id, outcome, principal, reason, at, transfer_id)
          VALUES (${id}, ${outcome}, ${principal}, ${reason}, ${at}, ${transfer})
          ON CONFLICT (review_id) DO NOTHING RETURNING 1`
        return rows.length > 0
      })

      const hasHoldEnded: ReviewRepo["Service"]["hasHoldEnded"] = (id) =>
        Effect.map(sql`SELECT 1 FROM ledger_hold_end WHERE hold_id = ${id}`, (rows) => rows.length > 0)

      const page: ReviewRepo["Service"]["page"] = Effect.fn("ReviewRepo.page")((wanted, before, limit) =>
        read(
          select(
            (state, now) =>
              sql.and([
                ...(wanted === undefined ? [] : [sql`${state} = ${wanted}`]),
                // Implied by the state, and found by an index.
                ...(wanted === "pending" ? [sql`review.expires_at > ${now}`] : []),
                ...(before === undefined ? [] : [sql`review.id < ${before}`])
              ]),
            limit
          )
        )
      )

      const decisions: ReviewRepo["Service"]["decisions"] = Effect.fn("ReviewRepo.decisions")(
        function* (wallet, before, limit) {
          const conditions = sql.and([
            ...(wallet === undefined ? [] : [sql`decision.wallet_id = ${wallet}`]),
            ...(before === undefined ? [] : [sql`decision.id < ${before}`])
          ])
          const rows = yield* read(sql`
            SELECT ${decisionColumns} FROM ${decisionTables} WHERE ${conditions} ORDER BY decision.id DESC LIMIT ${limit}`)
          return (yield* Effect.orDie(Rows.decodeDecisions(rows))).map(Rows.toDecision)
        }
      )

      const pending = Effect.gen(function* () {
        const now = DateTime.toDateUtc(yield* DateTime.now)
        const rows = yield* execute(sql`
          SELECT count(*)::int AS count,
            coalesce(extract(epoch FROM ${now}::timestamptz - min(decision.at)), 0)::float8 AS oldest
          FROM risk_review AS review JOIN risk_decision AS decision ON decision.id = review.decision_id
          WHERE review.expires_at > ${now}
            AND NOT EXISTS (SELECT FROM risk_review_end AS ended WHERE ended.review_id = review.id)`)
        const [found] = yield* Effect.orDie(Rows.decodePending(rows))
        return found
      })

      const expired = Effect.fnUntraced(function* (after: DateTime.Utc, until: DateTime.Utc) {
        const rows = yield* execute(sql`
          SELECT count(*)::int AS count FROM risk_review AS review
          WHERE review.expires_at > ${DateTime.toDateUtc(after)} AND review.expires_at <= ${DateTime.toDateUtc(until)}
            AND NOT EXISTS (SELECT FROM risk_review_end AS ended WHERE ended.review_id = review.id)`)
        const [{ count }] = yield* Effect.orDie(Rows.decodeCount(rows))
        return count
      })

      return ReviewRepo.of({
        lock,
        byId: (id) =>
          Effect.map(
            select(() => sql`review.id = ${id}`, 1),
            Array.head
          ),
        hasHoldEnded,
        end,
        page,
        decisions,
        pending,
        expired
      })
    })
  )
}

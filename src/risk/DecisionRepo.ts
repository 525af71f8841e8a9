import { Context, DateTime, Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql"
import type { HoldId, LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { Assessment, FiredRule } from "../domain/risk/Assessment.ts"
import type { MovementFacts } from "../domain/risk/MovementFacts.ts"
import type { WalletId } from "../domain/wallets/Wallet.ts"
import { Database } from "../platform/postgres/Database.ts"
import { Fired, StoredPosting } from "./DecisionRows.ts"

/** A decision for which at least one rule fired. */
export interface NewDecision extends Assessment {
  readonly id: string
  readonly at: DateTime.Utc
  readonly movement: MovementFacts
}

/** A movement that waits for an administrator. */
export interface NewReview {
  /** Id of the transfer that holds the money. */
  readonly id: TransferId
  readonly decision: string
  readonly holdId: HoldId
  readonly counterparty: WalletId | undefined
  /** Posted if it is approved. */
  readonly posting: LedgerPosting
  readonly expiresAt: DateTime.Utc
}

/** A decision with its review and its transfer. */
export interface DecisionRecord {
  readonly decision: NewDecision
  readonly review: NewReview | undefined
  /** Undefined if the movement was denied. */
  readonly transfer: TransferId | undefined
}

/** Decisions of the rules in PostgreSQL. Both methods run in the open transaction of the caller. */
export class DecisionRepo extends Context.Service<
  DecisionRepo,
  {
    readonly insert: (records: ReadonlyArray<DecisionRecord>) => Effect.Effect<void, SqlError.SqlError>
    /** Returns the rules that fired for a decision. */
    readonly firedBy: (id: string) => Effect.Effect<ReadonlyArray<FiredRule>, SqlError.SqlError>
  }
>()("effex/risk/DecisionRepo") {
  static readonly layer = Layer.effect(
    DecisionRepo,
    Effect.gen(function* () {
      const { sql } = yield* Database

      const insert = Effect.fnUntraced(function* (records: ReadonlyArray<DecisionRecord>) {
        // One by one: rules fire seldom.
        for (const { decision, review, transfer } of records) {
          const { amount, asset, kind, value, wallet } = decision.movement
          yield* sql`
            INSERT INTO risk_decision (id, at, wallet_id, kind, asset, amount, value, outcome, rules, transfer_id)
            VALUES (${decision.id}, ${DateTime.toDateUtc(decision.at)}, ${wallet}, ${kind}, ${asset},
              ${Decimal.format(amount)}::numeric, ${value === undefined ? null : Decimal.format(value)}::numeric,
              ${decision.outcome}, ${encodeFired(decision.fired)}::text::jsonb, ${transfer ?? null})`
          if (review === undefined) continue
          yield* sql`
            INSERT INTO risk_review (id, decision_id, hold_id, counterparty, posting, expires_at)
            VALUES (${review.id}, ${decision.id}, ${review.holdId}, ${review.counterparty ?? null},
              ${encodePosting(review.posting)}::text::jsonb, ${DateTime.toDateUtc(review.expiresAt)})`
        }
      })

      const firedBy = Effect.fnUntraced(function* (id: string) {
        const rows = yield* sql`SELECT rules::text AS rules FROM risk_decision WHERE id = ${id}`
        const [row] = yield* Effect.orDie(decodeRules(rows))
        return row?.rules ?? []
      })

      return DecisionRepo.of({ insert, firedBy })
    })
  )
}

const encodeFired = Schema.encodeSync(Schema.fromJsonString(Schema.Array(Fired)))
const encodePosting = Schema.encodeSync(Schema.fromJsonString(StoredPosting))
const decodeRules = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ rules: Schema.fromJsonString(Schema.Array(Fired)) }))
)

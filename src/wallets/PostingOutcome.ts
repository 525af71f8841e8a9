import { BigDecimal, Effect } from "effect"
import { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import type { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { PostOutcome } from "../domain/ledger/PostOutcome.ts"
import type { Asset } from "../domain/money/Asset.ts"
import { MovementDenied } from "../domain/wallets/Movement.ts"
import { formatAmount, InsufficientFunds } from "../domain/wallets/Wallet.ts"

/** A posted movement, and whether an earlier request with the same key posted it. */
export interface PostedMovement {
  readonly id: TransferId
  readonly replayed: boolean
  /** The money is held for review. For a replay, `Reviews.find` knows it. */
  readonly isHeld: boolean
}

const ZERO = BigDecimal.make(0n, 0)

/**
 * Returns the posted movement, or fails with the reason of the refusal. `asset` is the one that leaves the wallet. A
 * refusal that cannot follow from a request is a defect.
 */
export const toMovement = (
  outcome: PostOutcome | undefined,
  asset: Pick<Asset, "code" | "decimals">
): Effect.Effect<PostedMovement, InsufficientFunds | IdempotencyMismatch | MovementDenied> => {
  switch (outcome?._tag) {
    case "Posted":
    case "Held":
      return Effect.succeed({ id: outcome.id, replayed: outcome.replayed, isHeld: outcome._tag === "Held" })
    case "InsufficientFunds":
      return Effect.fail(
        new InsufficientFunds({
          asset: asset.code,
          available: formatAmount(BigDecimal.max(outcome.available, ZERO), asset)
        })
      )
    case "KeyMismatch":
      return Effect.fail(new IdempotencyMismatch())
    case "AccountFrozen":
      return Effect.fail(
        new MovementDenied({
          detail: "An account of this movement is frozen; ask the operator",
          remaining: null,
          unit: null,
          resetsAt: null
        })
      )
    case "GateRefused":
      return Effect.fail(new MovementDenied(outcome.denial))
    default:
      return Effect.die(new Error(`the ledger refused a posting: ${outcome?._tag ?? "no outcome"}`))
  }
}

import { BigDecimal, Effect } from "effect"
import type * as PostOutcome from "../domain/ledger/PostOutcome.ts"
import type { Asset } from "../domain/money/Asset.ts"
import { MovementDenied } from "../domain/wallets/Movement.ts"
import { formatAmount, InsufficientFunds } from "../domain/wallets/Wallet.ts"

const ZERO = BigDecimal.make(0n, 0)

/** Fails with what the wallet had available when the posting was refused. */
export const insufficientFunds = ({ available }: PostOutcome.InsufficientFunds, asset: Asset) =>
  Effect.fail(
    new InsufficientFunds({
      asset: asset.code,
      available: formatAmount(BigDecimal.max(available, ZERO), asset)
    })
  )

/** A frozen account refuses the movement; every other outcome cannot follow from a request. */
export const unexpected = (outcome: PostOutcome.AccountRefused | PostOutcome.HoldRefused) =>
  outcome._tag === "AccountFrozen"
    ? Effect.fail(new MovementDenied({ detail: "An account of this movement is frozen; ask the operator" }))
    : Effect.die(new Error(`the ledger refused a posting: ${outcome._tag}`))

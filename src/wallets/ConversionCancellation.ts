import { Effect, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { ConversionNotCancellable } from "../domain/conversion/ConversionErrors.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import type { ReviewState } from "../domain/risk/Review.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as PostingTransaction from "../ledger/PostingTransaction.ts"
import { Database } from "../platform/postgres/Database.ts"
import * as HoldEnd from "../risk/HoldEnd.ts"
import { Reviews } from "../risk/Reviews.ts"
import * as ConversionPosting from "./ConversionPosting.ts"
import type { NamedWallet } from "./WalletRepo.ts"

/**
 * Creates the function that cancels a conversion that is held for review, and gives its money back. Returns false if the wallet has
 * no such review. Of a decision and a cancellation at the same time, one ends the review.
 */
export const make = Effect.gen(function* () {
  const database = yield* Database
  const { postWithin } = yield* Ledger
  const random = yield* SecureRandom.SecureRandom
  const reviews = yield* Reviews

  const cancelWithin = Effect.fnUntraced(function* (id: TransferId, principal: string) {
    const review = Option.getOrThrow(yield* reviews.lockWithin(id))
    if (review.state !== "pending") return yield* new ConversionNotCancellable({ state: ENDED[review.state] })
    const [outcome] = yield* postWithin([HoldEnd.release(review, TransferId.make(yield* random.uuidV7()))])
    const transfer = yield* HoldEnd.toTransfer(outcome).pipe(
      Effect.catchTags({
        // By the time of the database.
        ReviewDecided: () => Effect.fail(new ConversionNotCancellable({ state: "expired" })),
        // A release has no entries, so that neither a frozen account nor a balance refuses it.
        ReviewRefused: Effect.die
      })
    )
    yield* reviews.cancelWithin({ id, principal, reason: "The user cancelled the conversion" }, transfer)
  })

  return Effect.fnUntraced(function* (wallet: NamedWallet, id: TransferId, principal: string) {
    // Before the lock, so that no user delays decisions on what others hold.
    const found = Option.getOrUndefined(yield* reviews.find(id))
    if (found?.decision.kind !== ConversionPosting.KIND || found.decision.wallet !== wallet.id) return false
    const cancelled = cancelWithin(id, principal).pipe(
      Effect.map((): Effect.Effect<void, ConversionNotCancellable> => Effect.void),
      // Nothing was stored.
      Effect.catchTag("ConversionNotCancellable", (error) => Effect.succeed(Effect.fail(error)))
    )
    yield* yield* PostingTransaction.run(database, cancelled)
    return true
  })
})

/** States of an ended review, as the user knows them. */
const ENDED = {
  approved: "completed",
  rejected: "rejected",
  expired: "expired",
  cancelled: "cancelled"
} as const satisfies Record<Exclude<ReviewState, "pending">, ConversionNotCancellable["state"]>

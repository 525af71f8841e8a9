import { BigDecimal, Context, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import type { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import type { SessionId } from "../domain/accounts/Session.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { MovementDenied } from "../domain/wallets/Movement.ts"
import {
  type AssetAmount,
  type InsufficientFunds,
  RecipientNotFound,
  SameWallet
} from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { Reviews } from "../risk/Reviews.ts"
import { RiskFacts } from "../risk/RiskFacts.ts"
import { type PostedMovement, toMovement } from "./PostingOutcome.ts"
import { type MovementRequest, postingKeyOf, requesterDetails } from "./RequestHash.ts"
import type { NamedWallet } from "./WalletRepo.ts"
import { walletAccount, Wallets } from "./Wallets.ts"

/** A transfer to post. */
export interface TransferRequest extends MovementRequest {
  readonly from: NamedWallet
  /** A username in any case, or a wallet id. */
  readonly to: string
  readonly money: AssetAmount
  readonly note: string | null
  /** Undefined for an API key that acts for the user. */
  readonly session?: SessionId | undefined
}

/** Transfers between the wallets of users. */
export class Transfers extends Context.Service<
  Transfers,
  {
    /** Names the receiver before money moves. */
    readonly recipient: (
      from: NamedWallet,
      to: string
    ) => Effect.Effect<NamedWallet, RecipientNotFound | SameWallet | StoreUnavailable>
    /**
     * Moves money at once, or holds it for review. A used key returns the first outcome, also when the funds were
     * insufficient. After `StoreUnavailable` the outcome is unknown; a retry with the same key resolves it.
     */
    readonly send: (
      request: TransferRequest
    ) => Effect.Effect<
      PostedMovement,
      | IdempotencyMismatch
      | InsufficientFunds
      | MovementDenied
      | RecipientNotFound
      | SameWallet
      | StoreUnavailable
    >
  }
>()("effex/wallets/Transfers") {
  static readonly layer = Layer.effect(
    Transfers,
    Effect.gen(function* () {
      const ledger = yield* Ledger
      const facts = yield* RiskFacts
      const reviews = yield* Reviews
      const wallets = yield* Wallets
      const random = yield* SecureRandom.SecureRandom

      const recipient = Effect.fn("Transfers.recipient")(function* (from: NamedWallet, to: string) {
        const found = yield* wallets.find(to)
        if (Option.isNone(found)) return yield* new RecipientNotFound()
        // Compares ids, so that no spelling of the own name passes.
        if (found.value.id === from.id) return yield* new SameWallet()
        return found.value
      })

      /** The outcome of a key does not tell a hold from a transfer. */
      const withReview = Effect.fnUntraced(function* (posted: PostedMovement) {
        if (!posted.replayed) return posted
        return { ...posted, isHeld: Option.isSome(yield* reviews.find(posted.id)) }
      })

      const send = Effect.fn("Transfers.send")(function* (request: TransferRequest) {
        const { from, money, note } = request
        const to = yield* recipient(from, request.to)
        const { amount, asset } = money
        const idempotency = postingKeyOf(request, [
          "transfer",
          to.id,
          asset.code,
          Decimal.format(amount),
          note
        ])
        const [source, target] = yield* wallets.accountIds([
          walletAccount(from.id, asset.code),
          walletAccount(to.id, asset.code)
        ])
        if (source === undefined || target === undefined) return yield* Effect.die("an account is missing")
        const movement = yield* facts.of({
          kind: "transfer",
          user: from,
          session: request.session,
          account: source,
          asset: asset.code,
          amount,
          counterparty: to.id
        })
        // A used key returns its first outcome, whatever the rules say now.
        const [outcome] = yield* ledger.post([
          {
            id: TransferId.make(yield* random.uuidV7()),
            kind: "transfer",
            idempotency,
            details: {
              from: from.id,
              to: to.id,
              ...(note === null ? {} : { note }),
              ...requesterDetails(request.requestedBy)
            },
            entries: [
              { account: source, amount: BigDecimal.negate(amount) },
              { account: target, amount }
            ],
            opens: [],
            ends: [],
            movement
          }
        ])
        return yield* withReview(yield* toMovement(outcome, asset))
      })

      return Transfers.of({ recipient, send })
    })
  )
}

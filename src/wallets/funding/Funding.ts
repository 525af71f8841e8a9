import { Context, DateTime, Duration, Effect, Layer, Metric, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import type { IdempotencyMismatch } from "../../domain/conversion/ConversionErrors.ts"
import type { SessionId } from "../../domain/accounts/Session.ts"
import { HoldId, TransferId } from "../../domain/ledger/LedgerPosting.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  type FundingDirection,
  FundingId,
  FundingNotFound,
  type FundingRequest,
  FundingUnknown
} from "../../domain/wallets/Funding.ts"
import type { MovementDenied } from "../../domain/wallets/Movement.ts"
import {
  type AssetAmount,
  AssetUnavailable,
  type InsufficientFunds,
  type WalletId
} from "../../domain/wallets/Wallet.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import * as PostingTransaction from "../../ledger/PostingTransaction.ts"
import * as FundingMetrics from "../../platform/metrics/FundingMetrics.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { RiskFacts } from "../../risk/RiskFacts.ts"
import { toMovement } from "../PostingOutcome.ts"
import { type MovementRequest, postingKeyOf, requesterDetails } from "../RequestHash.ts"
import type { NamedWallet } from "../WalletRepo.ts"
import { walletAccount, Wallets } from "../Wallets.ts"
import { FundingClient } from "./FundingClient.ts"
import { type FundingFilter, FundingRepo } from "./FundingRepo.ts"
import { FundingSettlement } from "./FundingSettlement.ts"

/** Longest wait of a request for the first answer of the provider. Afterwards the request is returned as pending. */
const SUBMIT_TIMEOUT = Duration.seconds(5)

/** A deposit or a withdrawal to request. */
export interface NewFunding extends MovementRequest {
  readonly wallet: NamedWallet
  readonly direction: FundingDirection
  readonly money: AssetAmount
  readonly note: string | null
  /** Undefined for an API key that acts for the user. */
  readonly session?: SessionId | undefined
}

/** A request, and whether an earlier one with the same key created it. */
export interface RequestedFunding {
  readonly request: FundingRequest
  readonly replayed: boolean
}

/** Deposits and withdrawals of users. */
export class Funding extends Context.Service<
  Funding,
  {
    /**
     * Stores a request, holds the amount of a withdrawal in the same transaction, and submits it to the provider. A used
     * key returns the first request in its present state, or the first refusal. After `StoreUnavailable` the outcome is
     * unknown; a retry with the same key resolves it.
     */
    readonly request: (
      request: NewFunding
    ) => Effect.Effect<
      RequestedFunding,
      AssetUnavailable | IdempotencyMismatch | InsufficientFunds | MovementDenied | StoreUnavailable
    >
    /** Returns a request of a wallet. */
    readonly find: (
      wallet: WalletId,
      id: FundingId
    ) => Effect.Effect<FundingRequest, FundingNotFound | StoreUnavailable>
    /** At most `limit` requests before an id, newest first. */
    readonly page: (
      filter: FundingFilter,
      before: FundingId | undefined,
      limit: number
    ) => Effect.Effect<ReadonlyArray<FundingRequest>, StoreUnavailable>
  }
>()("effex/wallets/funding/Funding") {
  static readonly layer = Layer.effect(
    Funding,
    Effect.gen(function* () {
      const database = yield* Database
      const catalog = yield* AssetCatalog
      const client = yield* FundingClient
      const ledger = yield* Ledger
      const facts = yield* RiskFacts
      const repo = yield* FundingRepo
      const settlement = yield* FundingSettlement
      const wallets = yield* Wallets
      const random = yield* SecureRandom.SecureRandom

      const stored = (id: TransferId) => Effect.map(repo.byId(FundingId.make(id)), Option.getOrThrow)

      /** Stores the request with its hold. Its posting stores the key, also that of a refusal. */
      const store = Effect.fnUntraced(function* (
        { direction, money, note, owner, requestedBy, session, wallet }: NewFunding,
        idempotency: ReturnType<typeof postingKeyOf>
      ) {
        const { amount, asset } = money
        const [account] = yield* wallets.accountIds([walletAccount(wallet.id, asset.code)])
        if (account === undefined) return yield* Effect.die("an account is missing")
        const id = TransferId.make(yield* random.uuidV7())
        const holdId = direction === "withdrawal" ? HoldId.make(yield* random.uuidV7()) : null
        const requestedAt = yield* DateTime.now
        const movement =
          direction === "withdrawal"
            ? yield* facts.of({
                kind: direction,
                user: wallet,
                session,
                account,
                asset: asset.code,
                amount
              })
            : undefined
        const work = Effect.gen(function* () {
          const [outcome] = yield* ledger.postWithin([
            {
              id,
              kind: `${direction}.request`,
              idempotency,
              details: {
                funding_id: id,
                ...(note === null ? {} : { note }),
                ...requesterDetails(requestedBy)
              },
              entries: [],
              opens: holdId === null ? [] : [{ holdId, account, amount }],
              ends: [],
              movement
            }
          ])
          if ((outcome?._tag === "Posted" || outcome?._tag === "Held") && !outcome.replayed)
            yield* repo.insert({
              id: FundingId.make(id),
              walletId: wallet.id,
              direction,
              asset: asset.code,
              amount,
              note,
              provider: client.provider,
              holdId,
              requestedBy: requestedBy === undefined ? owner : `${requestedBy} for ${wallet.userId}`,
              requestedAt
            })
          return outcome
        })
        return yield* PostingTransaction.run(database, work)
      })

      /** Asks the provider. Whatever happens, the request is stored: the settler asks again. */
      const submit = (request: FundingRequest) =>
        client.submit(request).pipe(
          Effect.timeoutOrElse({
            duration: SUBMIT_TIMEOUT,
            orElse: () => Effect.fail(new FundingUnknown({ cause: "timeout" }))
          }),
          Effect.flatMap((answer) => settlement.apply(request, answer)),
          Effect.catchTags({
            FundingUnknown: () =>
              Effect.as(
                Metric.update(FundingMetrics.unknownOutcomes.of({ direction: request.direction }), 1),
                request
              ),
            StoreUnavailable: (error) =>
              Effect.as(
                Effect.logWarning(`The ${request.direction} ${request.id} stays pending for now`, error),
                request
              )
          })
        )

      const request = Effect.fn("Funding.request")(function* (asked: NewFunding) {
        const { direction, money, note } = asked
        const { amount, asset } = money
        const idempotency = postingKeyOf(asked, [direction, asset.code, Decimal.format(amount), note])
        // A retry gets its first outcome, whatever the rules say now.
        const earlier = idempotency === undefined ? Option.none() : yield* ledger.postedBefore(idempotency)
        if (Option.isSome(earlier)) {
          const { id } = yield* toMovement(earlier.value, asset)
          return { request: yield* stored(id), replayed: true }
        }
        if (direction === "deposit" && isDelisted(catalog, asset.code))
          return yield* new AssetUnavailable({
            detail: `${asset.code} is delisted: it can be withdrawn and sold, but not deposited`
          })
        const { id, isHeld, replayed } = yield* toMovement(yield* store(asked, idempotency), asset)
        const created = yield* stored(id)
        if (replayed) return { request: created, replayed }
        yield* Metric.update(FundingMetrics.requests.of({ direction, state: "pending" }), 1)
        // The settler continues after the review.
        return { request: isHeld ? created : yield* submit(created), replayed }
      })

      const find = Effect.fn("Funding.find")(function* (wallet: WalletId, id: FundingId) {
        const found = yield* repo.byId(id)
        // The request of another wallet does not exist for this one.
        return Option.isSome(found) && found.value.walletId === wallet
          ? found.value
          : yield* new FundingNotFound()
      })

      return Funding.of({ request, find, page: repo.page })
    })
  )
}

const isDelisted = ({ find }: AssetCatalog["Service"], code: string) =>
  Option.exists(find(code), ({ state }) => state === "delisted")

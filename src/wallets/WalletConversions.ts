import { Context, Effect, Layer, Metric, Option } from "effect"
import { AuditLog } from "../audit/AuditLog.ts"
import * as CommittedConversion from "../conversion/CommittedConversion.ts"
import { Conversions, type PreparationError } from "../conversion/Conversions.ts"
import type { RequestFields } from "../conversion/Idempotency.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import { ConversionNotCancellable, IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import { AuditId } from "../domain/conversion/AuditId.ts"
import { TransferId } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Currency from "../domain/money/Currency.ts"
import { RateUnavailable } from "../domain/rates/Rate.ts"
import type { Review } from "../domain/risk/Review.ts"
import type { MovementDenied } from "../domain/wallets/Movement.ts"
import type { InsufficientFunds } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import { Reviews } from "../risk/Reviews.ts"
import { RiskFacts } from "../risk/RiskFacts.ts"
import * as ConversionCancellation from "./ConversionCancellation.ts"
import * as ConversionCommits from "./ConversionCommits.ts"
import * as ConversionPosting from "./ConversionPosting.ts"
import * as ConversionRequest from "./ConversionRequest.ts"
import { toMovement } from "./PostingOutcome.ts"
import type { RequestKey } from "./RequestHash.ts"
import { Statement } from "./Statement.ts"
import type { StatementRow } from "./StatementRow.ts"
import type { NamedWallet } from "./WalletRepo.ts"

/** A committed conversion, and the movements of the wallet. */
export interface WalletConversion {
  readonly conversion: CommittedConversion.CommittedConversion
  /** First what left the wallet, then what came in. */
  readonly rows: ReadonlyArray<StatementRow>
  /** True if an earlier request with the same key was committed. */
  readonly replayed: boolean
}

/** A conversion whose money a rule holds for review, and its outcome. */
export interface ReviewedOutcome {
  readonly review: Review
  readonly replayed: boolean
}

/** The outcome of a request: `conversion`, or `review` if a rule held it. */
export type ConvertOutcome = WalletConversion | ReviewedOutcome

/** A conversion of a wallet and its state: `review` if a rule held it. */
export type ConversionState = { readonly conversion: WalletConversion } | { readonly review: Review }

type StoredError = IdempotencyMismatch | InsufficientFunds | MovementDenied | StoreUnavailable

/** Conversions between the balances of a wallet. */
export class WalletConversions extends Context.Service<
  WalletConversions,
  {
    /**
     * Converts at the latest rate or at the price of a quote, or holds the amount for review. The audit record and the ledger entries
     * are committed in one transaction, and the transfer has the id of the record. A used key returns the first outcome, also when
     * the funds were insufficient; a request that could not be priced leaves its key free. After `StoreUnavailable` the outcome is
     * unknown; a retry with the same key resolves it.
     */
    readonly convert: (
      request: ConversionRequest.WalletConversionRequest
    ) => Effect.Effect<ConvertOutcome, PreparationError | StoredError>
    /** Returns the first outcome of a key, for a request that the current settings do not allow. None for a new key. */
    readonly findStored: (
      wallet: NamedWallet,
      key: RequestKey,
      request: RequestFields
    ) => Effect.Effect<Option.Option<ConvertOutcome>, StoredError>
    /** Returns a conversion of a wallet, or one that is or was held for review. Others are not found. */
    readonly stateOf: (
      wallet: NamedWallet,
      id: TransferId
    ) => Effect.Effect<Option.Option<ConversionState>, StoreUnavailable>
    /**
     * Cancels a conversion that is held for review, and gives its money back. None if it does not exist, or is one of another
     * wallet. `principal` is recorded with the review.
     */
    readonly cancel: (
      wallet: NamedWallet,
      id: TransferId,
      principal: string
    ) => Effect.Effect<Option.Option<Review>, ConversionNotCancellable | StoreUnavailable>
    /** Returns a conversion of a wallet. None if it does not exist, or is one of another wallet. */
    readonly byId: (
      wallet: NamedWallet,
      id: AuditId
    ) => Effect.Effect<Option.Option<WalletConversion>, StoreUnavailable>
  }
>()("effex/wallets/WalletConversions") {
  static readonly layer = Layer.effect(
    WalletConversions,
    Effect.gen(function* () {
      const audit = yield* AuditLog
      const conversions = yield* Conversions
      const facts = yield* RiskFacts
      const ledger = yield* Ledger
      const reviews = yield* Reviews
      const statement = yield* Statement
      const cancelHeld = yield* ConversionCancellation.make
      const commit = yield* ConversionCommits.make
      const postingOf = yield* ConversionPosting.make

      const byId = Effect.fn("WalletConversions.byId")(function* ({ id: wallet }: NamedWallet, id: AuditId) {
        const rows = yield* statement.transaction(wallet, TransferId.make(id))
        if (!rows.some(({ kind }) => kind === ConversionPosting.KIND)) return Option.none<WalletConversion>()
        return Option.map(yield* audit.byId(id), (record): WalletConversion => ({
          conversion: CommittedConversion.fromRecord(record),
          rows,
          replayed: false
        }))
      })

      const stateOf: WalletConversions["Service"]["stateOf"] = Effect.fn("WalletConversions.stateOf")(
        function* (wallet, id) {
          const conversion = yield* byId(wallet, AuditId.make(id))
          if (Option.isSome(conversion)) return Option.some({ conversion: conversion.value })
          const review = yield* reviews.find(id)
          return Option.map(
            Option.filter(
              review,
              ({ decision }) => decision.kind === ConversionPosting.KIND && decision.wallet === wallet.id
            ),
            (review) => ({ review })
          )
        }
      )

      const cancel: WalletConversions["Service"]["cancel"] = Effect.fn("WalletConversions.cancel")(
        function* (wallet, id, principal) {
          if (yield* cancelHeld(wallet, id, principal)) return yield* reviews.find(id)
          // One that was never held.
          return Option.isSome(yield* byId(wallet, AuditId.make(id)))
            ? yield* new ConversionNotCancellable({ state: "completed" })
            : Option.none()
        }
      )

      const replay = Effect.fnUntraced(function* (wallet: NamedWallet, id: TransferId) {
        yield* Metric.update(ConversionMetrics.replays, 1)
        const found = Option.getOrThrow(yield* stateOf(wallet, id))
        return "review" in found ? { ...found, replayed: true } : { ...found.conversion, replayed: true }
      })

      const findStored: WalletConversions["Service"]["findStored"] = Effect.fn(
        "WalletConversions.findStored"
      )(function* (wallet, key, request) {
        const idempotency = ConversionRequest.keyOf(key, request)
        const outcome = idempotency === undefined ? Option.none() : yield* ledger.postedBefore(idempotency)
        if (Option.isNone(outcome)) return Option.none()
        // Another request may name what is no currency.
        if (outcome.value._tag === "KeyMismatch") return yield* new IdempotencyMismatch()
        const { id } = yield* toMovement(outcome.value, assetOf(request.from))
        return Option.some(yield* replay(wallet, id))
      })

      const commitOf = Effect.fnUntraced(function* (
        { requestedBy, wallet, ...request }: ConversionRequest.WalletConversionRequest,
        prepared: PreparedConversion
      ) {
        const { amount, currency } = prepared.priced.input
        const { posting, source } = yield* postingOf(wallet.id, prepared, requestedBy)
        const movement = yield* facts.of({
          kind: ConversionPosting.KIND,
          user: wallet,
          session: undefined,
          account: source,
          asset: currency.code,
          amount
        })
        return {
          wallet: wallet.id,
          prepared,
          posting: {
            ...posting,
            idempotency: ConversionRequest.keyOf(request, ConversionRequest.fieldsOf(request.terms)),
            movement,
            heldDetails: ConversionRequest.heldDetailsOf(request.terms, prepared, requestedBy)
          }
        }
      })

      const convert: WalletConversions["Service"]["convert"] = Effect.fn("WalletConversions.convert")(
        function* (request) {
          const { terms, wallet } = request
          const stored = yield* findStored(wallet, request, ConversionRequest.fieldsOf(terms))
          if (Option.isSome(stored)) return stored.value
          let prepared = yield* conversions.prepare(terms)
          const { currency } = prepared.priced.input
          let outcome = yield* commit(yield* commitOf(request, prepared))
          if (outcome._tag === "NotAppended") {
            prepared = yield* conversions.prepareAgain(terms, prepared)
            outcome = yield* commit(yield* commitOf(request, prepared))
          }
          if (outcome._tag === "NotAppended") return yield* new RateUnavailable({ pair: terms.pair })
          const { id, isHeld, replayed } = yield* toMovement(outcome, assetOf(currency.code))
          if (replayed) return yield* replay(wallet, id)
          if (isHeld) return { review: Option.getOrThrow(yield* reviews.find(id)), replayed }
          yield* Metric.update(ConversionMetrics.conversions, 1)
          const rows = yield* statement.transaction(wallet.id, id)
          return { conversion: prepared.conversion, rows, replayed: false }
        },
        Effect.tapErrorTag("StoreUnavailable", () => Metric.update(ConversionMetrics.commitFailures, 1))
      )

      return WalletConversions.of({ convert, findStored, stateOf, cancel, byId })
    })
  )
}

const assetOf = (code: string) => {
  const currency = Currency.get(AssetCode.make(code))
  return { code: currency.code, decimals: currency.minorUnit }
}

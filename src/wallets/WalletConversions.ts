import { Array, Context, Effect, Layer, Metric, Option } from "effect"
import { AuditLog } from "../audit/AuditLog.ts"
import * as CommittedConversion from "../conversion/CommittedConversion.ts"
import { Conversions, type PreparationError } from "../conversion/Conversions.ts"
import type { ConversionTerms } from "../conversion/ConversionInput.ts"
import type { RequestFields } from "../conversion/Idempotency.ts"
import type { PreparedConversion } from "../conversion/PreparedConversion.ts"
import { IdempotencyMismatch } from "../domain/conversion/ConversionErrors.ts"
import { AuditId } from "../domain/conversion/AuditId.ts"
import { type LedgerPosting, TransferId } from "../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../domain/money/Asset.ts"
import * as Currency from "../domain/money/Currency.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { RateUnavailable } from "../domain/rates/Rate.ts"
import * as ConversionEntries from "../domain/wallets/ConversionEntries.ts"
import type { MovementDenied } from "../domain/wallets/Movement.ts"
import type { InsufficientFunds } from "../domain/wallets/Wallet.ts"
import { Ledger } from "../ledger/Ledger.ts"
import * as ConversionMetrics from "../platform/metrics/ConversionMetrics.ts"
import type { StoreUnavailable } from "../platform/postgres/StoreUnavailable.ts"
import * as ConversionCommits from "./ConversionCommits.ts"
import { RiskFacts } from "../risk/RiskFacts.ts"
import { toMovement } from "./PostingOutcome.ts"
import { postingKeyOf, type RequestKey } from "./RequestHash.ts"
import { Statement } from "./Statement.ts"
import type { StatementRow } from "./StatementRow.ts"
import type { NamedWallet } from "./WalletRepo.ts"
import { houseAccount, walletAccount, Wallets } from "./Wallets.ts"

/** A conversion in a wallet to post. The principal and the owner of its terms are those of the user. */
export interface WalletConversionRequest extends RequestKey {
  readonly wallet: NamedWallet
  readonly terms: ConversionTerms
  /** Id of the API key that acts for the user. Undefined for a user who is signed in. */
  readonly requestedBy: string | undefined
}

/** A committed conversion, and the movements of the wallet. */
export interface WalletConversion {
  readonly conversion: CommittedConversion.CommittedConversion
  /** First what left the wallet, then what came in. */
  readonly rows: ReadonlyArray<StatementRow>
  /** True if an earlier request with the same key was committed. */
  readonly replayed: boolean
}

type StoredError = IdempotencyMismatch | InsufficientFunds | MovementDenied | StoreUnavailable

/** Conversions between the balances of a wallet. */
export class WalletConversions extends Context.Service<
  WalletConversions,
  {
    /**
     * Converts at the latest rate or at the price of a quote. The audit record and the ledger entries are committed in one
     * transaction, and the transfer has the id of the record. A used key returns the first outcome, also when the funds were
     * insufficient; a request that could not be priced leaves its key free. After `StoreUnavailable` the outcome is unknown; a
     * retry with the same key resolves it.
     */
    readonly convert: (
      request: WalletConversionRequest
    ) => Effect.Effect<WalletConversion, PreparationError | StoredError>
    /** Returns the first outcome of a key, for a request that the current settings do not allow. None for a new key. */
    readonly findStored: (
      wallet: NamedWallet,
      key: RequestKey,
      request: RequestFields
    ) => Effect.Effect<Option.Option<WalletConversion>, StoredError>
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
      const statement = yield* Statement
      const wallets = yield* Wallets
      const commit = yield* ConversionCommits.make

      const byId = Effect.fn("WalletConversions.byId")(function* ({ id: wallet }: NamedWallet, id: AuditId) {
        const rows = yield* statement.transaction(wallet, TransferId.make(id))
        if (!rows.some(({ kind }) => kind === KIND)) return Option.none<WalletConversion>()
        return Option.map(yield* audit.byId(id), (record): WalletConversion => ({
          conversion: CommittedConversion.fromRecord(record),
          rows,
          replayed: false
        }))
      })

      const replay = Effect.fnUntraced(function* (wallet: NamedWallet, id: TransferId) {
        yield* Metric.update(ConversionMetrics.replays, 1)
        const found = Option.getOrThrow(yield* byId(wallet, AuditId.make(id)))
        return { ...found, replayed: true }
      })

      const findStored: WalletConversions["Service"]["findStored"] = Effect.fn(
        "WalletConversions.findStored"
      )(function* (wallet, key, request) {
        const idempotency = keyOf(key, request)
        const outcome = idempotency === undefined ? Option.none() : yield* ledger.postedBefore(idempotency)
        if (Option.isNone(outcome)) return Option.none()
        // Another request may name what is no currency.
        if (outcome.value._tag === "KeyMismatch") return yield* new IdempotencyMismatch()
        const { id } = yield* toMovement(outcome.value, assetOf(request.from))
        return Option.some(yield* replay(wallet, id))
      })

      const commitOf = Effect.fnUntraced(function* (
        { requestedBy, wallet, ...request }: WalletConversionRequest,
        prepared: PreparedConversion
      ) {
        const { priced, record } = prepared
        const entries = ConversionEntries.ofConversion(priced)
        const accounts = yield* wallets.accountIds(
          entries.map(({ asset, role }) =>
            role === "user" ? walletAccount(wallet.id, asset) : houseAccount(role, asset)
          )
        )
        const { amount, currency } = priced.input
        const source =
          accounts[entries.findIndex(({ asset, role }) => role === "user" && asset === currency.code)]
        if (source === undefined) return yield* Effect.die("an account is missing")
        const movement = yield* facts.of({
          kind: KIND,
          user: wallet,
          session: undefined,
          account: source,
          asset: currency.code,
          amount,
          // Its price would be another one after a review.
          isReviewable: false
        })
        const posting: LedgerPosting = {
          id: TransferId.make(record.audit_id),
          kind: KIND,
          idempotency: keyOf(request, fieldsOf(request.terms)),
          details: {
            conversion_id: record.audit_id,
            ...(requestedBy === undefined ? {} : { requested_by: requestedBy })
          },
          entries: Array.zipWith(accounts, entries, (account, { amount }) => ({ account, amount })),
          opens: [],
          ends: [],
          movement
        }
        return { wallet: wallet.id, prepared, posting }
      })

      const convert: WalletConversions["Service"]["convert"] = Effect.fn("WalletConversions.convert")(
        function* (request) {
          const { terms, wallet } = request
          const stored = yield* findStored(wallet, request, fieldsOf(terms))
          if (Option.isSome(stored)) return stored.value
          let prepared = yield* conversions.prepare(terms)
          const { currency } = prepared.priced.input
          let outcome = yield* commit(yield* commitOf(request, prepared))
          if (outcome._tag === "NotAppended") {
            prepared = yield* conversions.prepareAgain(terms, prepared)
            outcome = yield* commit(yield* commitOf(request, prepared))
          }
          if (outcome._tag === "NotAppended") return yield* new RateUnavailable({ pair: terms.pair })
          const { id, replayed } = yield* toMovement(outcome, assetOf(currency.code))
          if (replayed) return yield* replay(wallet, id)
          yield* Metric.update(ConversionMetrics.conversions, 1)
          const rows = yield* statement.transaction(wallet.id, id)
          return { conversion: prepared.conversion, rows, replayed: false }
        },
        Effect.tapErrorTag("StoreUnavailable", () => Metric.update(ConversionMetrics.commitFailures, 1))
      )

      return WalletConversions.of({ convert, findStored, byId })
    })
  )
}

/** Kind of the transfers of the ledger. */
const KIND = "conversion"

const assetOf = (code: string) => {
  const currency = Currency.get(AssetCode.make(code))
  return { code: currency.code, decimals: currency.minorUnit }
}

const fieldsOf = ({ amount, from, to, ...others }: ConversionTerms): RequestFields => ({
  ...others,
  from: from.code,
  to: to.code,
  amount: Decimal.format(amount)
})

/** The largest age of the rate is no part of what a request means: a retry may come with another one. */
const keyOf = (key: RequestKey, { amount, amountType, from, quoteId, reference, to }: RequestFields) =>
  postingKeyOf(key, [KIND, from, to, amount, amountType, quoteId, reference])

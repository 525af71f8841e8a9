import { Effect, Option, Result, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { Api } from "../../../api/Api.ts"
import type {
  ConversionStateMessage,
  WalletConversionMessage
} from "../../../api/wallets/WalletConversionMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Receipts } from "../../../audit/Receipts.ts"
import { walletIdentityOf } from "../../../domain/access/Principal.ts"
import type { AuditId } from "../../../domain/conversion/AuditId.ts"
import { TransferId } from "../../../domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../../domain/money/Asset.ts"
import { type WalletConversion, WalletConversions } from "../../../wallets/WalletConversions.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import { LookupCaller } from "../../middleware/access/LookupCaller.ts"
import * as IdempotentResponse from "../../encoding/IdempotentResponse.ts"
import * as Problems from "../../middleware/Problems.ts"
import { findReceipt, notFound } from "../AuditHttp.ts"
import * as IdempotencyKey from "../../encoding/IdempotencyKey.ts"
import { ConversionRequests } from "../ConversionRequests.ts"
import { RateRequests } from "../RateRequests.ts"
import { heldConversionFields } from "../risk/RiskFields.ts"
import { formatterOf, transactionFields } from "./TransactionFields.ts"
import * as MyWallet from "./MyWallet.ts"
import { readConvert, readQuote, requireCurrencies, toServiceFields } from "./WalletConversionBody.ts"
import * as WalletProblems from "./WalletProblems.ts"

/** Handlers of conversions between the balances of a user. */
export const layer = HttpApiBuilder.group(
  Api,
  "walletConversions",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const conversions = yield* WalletConversions
    const rates = yield* RateRequests
    const receipts = yield* Receipts
    const requests = yield* ConversionRequests
    const { ofUser } = yield* Wallets
    const format = formatterOf(catalog)
    const fieldsOf = transactionFields(format)
    const heldFieldsOf = heldConversionFields(format)

    const myWallet = yield* MyWallet.make

    const toMessage = ({ conversion, rows }: WalletConversion): typeof WalletConversionMessage.Type => {
      const transactions = rows.map(fieldsOf)
      return {
        conversion,
        transactions,
        balances: transactions.map(({ asset, balance }) => ({ asset, balance }))
      }
    }

    /** The state of a conversion that was never held, or was approved. */
    const toState = ({ conversion }: WalletConversion): ConversionStateMessage => ({
      id: TransferId.make(conversion.audit_id),
      state: "completed",
      type: "conversion",
      asset: AssetCode.make(conversion.from_currency),
      amount: conversion.input_amount,
      to: AssetCode.make(conversion.to_currency),
      reference: conversion.reference ?? null,
      created_at: conversion.converted_at,
      transaction_id: TransferId.make(conversion.audit_id)
    })

    const parseId = (text: string) => Effect.catch(Schema.decodeEffect(TransferId)(text), () => notFound)

    /** Returns a conversion of the user. */
    const find = Effect.fnUntraced(function* (id: AuditId) {
      const found = yield* conversions.byId(yield* myWallet, id).pipe(Effect.catchTags(Problems.storeErrors))
      return Option.isSome(found) ? found.value : yield* notFound
    })

    const convert = Effect.fnUntraced(function* (
      { max_age: maxAge, ...fields }: Effect.Success<ReturnType<typeof readConvert>>,
      key: string | undefined
    ) {
      yield* requireCurrencies(catalog, fields)
      const user = yield* CurrentUser
      const wallet = yield* ofUser(user.userId)
      const request = { wallet, key, ...MyWallet.senderOf(user) }
      const body = toServiceFields(fields)
      const input = requests.toInput(body, key, walletIdentityOf(user.userId))
      if (Result.isFailure(input)) {
        // A retry gets its first outcome even if the settings do not allow the request any more.
        const stored = ConversionBody.toRequestFields(body)
        const found =
          stored === undefined ? Option.none() : yield* conversions.findStored(wallet, request, stored)
        return Option.isSome(found) ? found.value : yield* input.failure
      }
      const terms =
        maxAge === undefined ? input.success : { ...input.success, lookup: yield* rates.optionsOf(maxAge) }
      return yield* conversions.convert({ ...request, terms })
    })

    return handlers
      .handleRaw(
        "convert",
        Effect.fnUntraced(function* ({ request }) {
          const key = yield* IdempotencyKey.ofRequest(request)
          const body = yield* readConvert(request)
          const { principal } = yield* CurrentUser
          const converted = yield* convert(body, key).pipe(
            Effect.catchTags(WalletProblems.conversionErrors),
            Effect.provideService(LookupCaller, { identity: principal, isAnonymous: false })
          )
          return "review" in converted
            ? IdempotentResponse.respond(
                202,
                JSON.stringify(heldFieldsOf(converted.review)),
                converted.replayed
              )
            : IdempotentResponse.respond(201, JSON.stringify(toMessage(converted)), converted.replayed)
        })
      )
      .handleRaw(
        "createQuote",
        Effect.fnUntraced(function* ({ request }) {
          const body = yield* readQuote(request)
          yield* requireCurrencies(catalog, body)
          const { userId } = yield* CurrentUser
          return yield* requests.createQuote(toServiceFields(body), walletIdentityOf(userId))
        })
      )
      .handle(
        "quote",
        Effect.fnUntraced(function* ({ params }) {
          const { userId } = yield* CurrentUser
          return yield* requests.quote(params.quote_id, walletIdentityOf(userId))
        })
      )
      .handle(
        "conversion",
        Effect.fnUntraced(function* ({ params }) {
          return toMessage(yield* find(params.audit_id))
        })
      )
      .handle(
        "state",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* parseId(params.conversion_id)
          const found = yield* conversions
            .stateOf(yield* myWallet, id)
            .pipe(Effect.catchTags(Problems.storeErrors))
          if (Option.isNone(found)) return yield* notFound
          return "review" in found.value ? heldFieldsOf(found.value.review) : toState(found.value.conversion)
        })
      )
      .handle(
        "cancel",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* parseId(params.conversion_id)
          const { principal } = yield* CurrentUser
          const cancelled = yield* conversions
            .cancel(yield* myWallet, id, principal)
            .pipe(Effect.catchTags(WalletProblems.cancelErrors))
          return Option.isSome(cancelled) ? heldFieldsOf(cancelled.value) : yield* notFound
        })
      )
      .handle(
        "receipt",
        Effect.fnUntraced(function* ({ params }) {
          yield* find(params.audit_id)
          return yield* findReceipt(receipts, params.audit_id)
        })
      )
  })
)

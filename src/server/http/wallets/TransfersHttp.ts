import { Array, Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import * as Problem from "../../../api/Problem.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { TransferId } from "../../../domain/ledger/LedgerPosting.ts"
import { Reviews } from "../../../risk/Reviews.ts"
import { Statement } from "../../../wallets/Statement.ts"
import { Transfers } from "../../../wallets/Transfers.ts"
import * as IdempotentResponse from "../../encoding/IdempotentResponse.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as IdempotencyKey from "../../encoding/IdempotencyKey.ts"
import * as MyWallet from "./MyWallet.ts"
import { formatterOf, transactionFields } from "./TransactionFields.ts"
import { heldTransferFields } from "../risk/RiskFields.ts"
import { readMoney, readTransfer } from "./TransferRequestBody.ts"
import * as WalletProblems from "./WalletProblems.ts"

/** Handlers of transfers between users. */
export const layer = HttpApiBuilder.group(
  Api,
  "transfers",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const statement = yield* Statement
    const reviews = yield* Reviews
    const transfers = yield* Transfers
    const fieldsOf = transactionFields(formatterOf(catalog))
    const heldFieldsOf = heldTransferFields(formatterOf(catalog))

    const myWallet = yield* MyWallet.make

    return handlers
      .handleRaw(
        "send",
        Effect.fnUntraced(function* ({ request }) {
          const key = yield* IdempotencyKey.ofRequest(request)
          const body = yield* readTransfer(request)
          const money = yield* readMoney(catalog, body)
          const from = yield* myWallet
          const user = yield* CurrentUser
          const { id, isHeld, replayed } = yield* transfers
            .send({
              from,
              to: body.to,
              money,
              note: body.note ?? null,
              ...MyWallet.senderOf(user),
              key,
              session: user.sessionId
            })
            .pipe(Effect.catchTags(WalletProblems.transferErrors))
          if (isHeld) {
            const held = yield* reviews.find(id).pipe(Effect.catchTags(Problems.unconfirmedErrors))
            return IdempotentResponse.respond(
              202,
              JSON.stringify(heldFieldsOf(Option.getOrThrow(held))),
              replayed
            )
          }
          const rows = yield* statement
            .transaction(from.id, id)
            .pipe(Effect.catchTags(Problems.unconfirmedErrors))
          const row = Option.getOrThrow(Array.head(rows))
          return IdempotentResponse.respond(201, JSON.stringify(fieldsOf(row)), replayed)
        })
      )
      .handle(
        "find",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* Effect.mapError(
            Schema.decodeEffect(TransferId)(params.transfer_id),
            () => noTransfer
          )
          const { id: wallet } = yield* myWallet
          const held = yield* reviews.find(id).pipe(Effect.catchTags(Problems.storeErrors))
          if (Option.isSome(held) && held.value.decision.kind === "transfer")
            return held.value.decision.wallet === wallet ? heldFieldsOf(held.value) : yield* noTransfer
          const rows = yield* statement.transaction(wallet, id).pipe(Effect.catchTags(Problems.storeErrors))
          const row = rows.find(({ kind }) => kind === "transfer")
          if (row === undefined) return yield* noTransfer
          const { amount, asset, counterparty, created_at, note } = fieldsOf(row)
          return {
            id,
            state: "completed" as const,
            type: "transfer" as const,
            asset,
            amount,
            counterparty,
            note,
            created_at,
            transaction_id: id
          }
        })
      )
      .handle(
        "recipient",
        Effect.fnUntraced(function* ({ query }) {
          const found = yield* transfers
            .recipient(yield* myWallet, query.to)
            .pipe(Effect.catchTags(WalletProblems.recipientErrors))
          return { wallet_id: found.id, username: found.username }
        })
      )
  })
)

const noTransfer = new Problem.NotFound({ detail: "The wallet has no transfer with this id" })

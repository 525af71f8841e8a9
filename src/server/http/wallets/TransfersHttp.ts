import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Array, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Statement } from "../../../wallets/Statement.ts"
import { Transfers } from "../../../wallets/Transfers.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as Problems from "../../middleware/Problems.ts"
import { idempotencyKeyOf } from "../ConversionRequests.ts"
import { formatterOf, transactionFields } from "./TransactionFields.ts"
import { readMoney, readTransfer } from "./TransferRequestBody.ts"
import * as WalletProblems from "./WalletProblems.ts"

/** Handlers of transfers between users. */
export const layer = HttpApiBuilder.group(
  Api,
  "transfers",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const statement = yield* Statement
    const transfers = yield* Transfers
    const wallets = yield* Wallets
    const fieldsOf = transactionFields(formatterOf(catalog))

    const myWallet = Effect.flatMap(CurrentUser, ({ userId }) => wallets.ofUser(userId)).pipe(
      Effect.catchTags(Problems.storeErrors)
    )

    return handlers
      .handleRaw(
        "send",
        Effect.fnUntraced(function* ({ request }) {
          const key = yield* Effect.fromResult(
            idempotencyKeyOf(NodeHttpServerRequest.toIncomingMessage(request))
          )
          const body = yield* readTransfer(request)
          const money = yield* readMoney(catalog, body)
          const from = yield* myWallet
          const owner = keyOwnerOf(yield* CurrentUser)
          const { id, replayed } = yield* transfers
            .send({ from, to: body.to, money, note: body.note ?? null, owner, key })
            .pipe(Effect.catchTags(WalletProblems.transferErrors))
          const rows = yield* statement.transaction(from.id, id).pipe(Effect.catchTags(Problems.storeErrors))
          const row = Option.getOrThrow(Array.head(rows))
          return HttpServerResponse.text(JSON.stringify(fieldsOf(row)), {
            status: 201,
            contentType: "application/json",
            headers: {
              "cache-control": "no-store",
              ...(replayed ? { "idempotency-replayed": "true" } : {})
            }
          })
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

/** Keys of one user are independent of those of another, also if one API key acts for both. */
export const keyOwnerOf = ({ principal, sessionId, userId }: CurrentUser["Service"]) =>
  sessionId === undefined ? `${principal} for ${userId}` : principal

import { BigDecimal, Effect, Schema } from "effect"
import type { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { Api } from "../../../api/Api.ts"
import { FundingBody, type FundingReceiptMessage } from "../../../api/wallets/FundingMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Settings } from "../../../config/Settings.ts"
import { type FundingDirection, FundingId, type FundingRequest } from "../../../domain/wallets/Funding.ts"
import { Funding } from "../../../wallets/funding/Funding.ts"
import * as ConversionBody from "../../encoding/ConversionBody.ts"
import * as JsonBody from "../../encoding/JsonBody.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as IdempotentResponse from "../../encoding/IdempotentResponse.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as IdempotencyKey from "../../encoding/IdempotencyKey.ts"
import { fundingFields } from "./FundingFields.ts"
import * as FundingProblems from "./FundingProblems.ts"
import { formatterOf } from "./TransactionFields.ts"
import { readMoney } from "./TransferRequestBody.ts"
import * as MyWallet from "./MyWallet.ts"

const ZERO = BigDecimal.make(0n, 0)

// The amount keeps the digits that the client sent.
const readBody = JsonBody.readerOf(Schema.Struct({ ...FundingBody.fields, amount: ConversionBody.Amount }))

/** Handlers of deposits and withdrawals of users. */
export const layer = HttpApiBuilder.group(
  Api,
  "funding",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const funding = yield* Funding
    const { homeCurrency } = yield* Settings
    const wallets = yield* Wallets
    const format = formatterOf(catalog)
    const fieldsOf = fundingFields(format)

    const myWallet = yield* MyWallet.make

    /** Adds the balance after the request. */
    const receiptOf = Effect.fnUntraced(function* (request: FundingRequest) {
      const accounts = yield* wallets
        .accountsOf(request.walletId)
        .pipe(Effect.catchTags(Problems.unconfirmedErrors))
      const account = accounts.find(({ asset }) => asset === request.asset)
      const amountOf = (value: BigDecimal.BigDecimal | undefined) => format(value ?? ZERO, request.asset)
      return {
        ...fieldsOf(request),
        balance: amountOf(account?.balance),
        held: amountOf(account?.held),
        available: amountOf(account?.available)
      } satisfies FundingReceiptMessage
    })

    const move = (direction: FundingDirection) =>
      Effect.fnUntraced(function* ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) {
        const key = yield* IdempotencyKey.ofRequest(request)
        const { amount, asset = homeCurrency, note = null } = yield* readBody(request)
        const money = yield* readMoney(catalog, { asset, amount })
        const wallet = yield* myWallet
        const user = yield* CurrentUser
        const requested = yield* funding
          .request({
            wallet,
            direction,
            money,
            note,
            ...MyWallet.senderOf(user),
            key,
            session: user.sessionId
          })
          .pipe(Effect.catchTags(FundingProblems.requestErrors))
        return IdempotentResponse.respond(
          requested.request.state === "pending" ? 202 : 200,
          JSON.stringify(yield* receiptOf(requested.request)),
          requested.replayed
        )
      })

    return (
      handlers
        // A deposit needs no funds.
        .handleRaw("deposit", (input) =>
          Effect.catchTag(move("deposit")(input), "InsufficientFunds", Effect.die)
        )
        .handleRaw("withdraw", move("withdrawal"))
        .handle(
          "list",
          Effect.fnUntraced(function* ({ query }) {
            const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(FundingId))
            const size = Pagination.sizeOf(query)
            const { id: wallet } = yield* myWallet
            const { direction, state } = query
            const found = yield* funding
              .page({ wallet, state, direction }, before, size + 1)
              .pipe(Effect.catchTags(Problems.storeErrors))
            return Pagination.pageOf(found, size, fieldsOf, ({ id }) => id)
          })
        )
        .handle(
          "find",
          Effect.fnUntraced(function* ({ params }) {
            const id = yield* Effect.mapError(
              Schema.decodeEffect(FundingId)(params.funding_id),
              () => FundingProblems.notFound
            )
            const { id: wallet } = yield* myWallet
            const found = yield* funding.find(wallet, id).pipe(Effect.catchTags(FundingProblems.findErrors))
            return fieldsOf(found)
          })
        )
    )
  })
)

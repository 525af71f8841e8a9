import { Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { SecurityEvents } from "../../../accounts/SecurityEvents.ts"
import { Users } from "../../../accounts/Users.ts"
import { Api } from "../../../api/Api.ts"
import * as Problem from "../../../api/Problem.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { UserId } from "../../../domain/accounts/User.ts"
import { Statement } from "../../../wallets/Statement.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as StatementPage from "../wallets/StatementPage.ts"
import { formatterOf, transactionFields } from "../wallets/TransactionFields.ts"
import * as WalletFields from "../wallets/WalletFields.ts"
import { EventNumber } from "./AccountHttp.ts"
import { securityEventFields } from "./SecurityEventFields.ts"

/** Every movement of a wallet. */
const EVERYTHING = { asset: undefined, type: undefined, since: undefined, until: undefined }

/** Handlers of what administrators read about a user. */
export const layer = HttpApiBuilder.group(
  Api,
  "userRecords",
  Effect.fn(function* (handlers) {
    const events = yield* SecurityEvents
    const statement = yield* Statement
    const users = yield* Users
    const wallets = yield* Wallets
    const walletMessage = yield* WalletFields.make
    const fieldsOf = transactionFields(formatterOf(yield* AssetCatalog))

    const find = Effect.fnUntraced(function* ({ user_id }: { readonly user_id: string }) {
      const id = yield* Effect.mapError(Schema.decodeEffect(UserId)(user_id), () => notFound)
      const user = yield* users.byId(id)
      return Option.isSome(user) ? user.value : yield* notFound
    })

    const walletOf = (params: { readonly user_id: string }) =>
      Effect.flatMap(find(params), ({ id }) => wallets.ofUser(id))

    return handlers
      .handle("wallet", ({ params }) =>
        walletOf(params).pipe(
          Effect.flatMap(({ id }) => walletMessage(id)),
          Effect.catchTags(Problems.storeErrors)
        )
      )
      .handle(
        "transactions",
        Effect.fnUntraced(function* ({ params, query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, StatementPage.decodePosition)
          const { id } = yield* walletOf(params)
          const page = yield* statement.page(id, EVERYTHING, before, Pagination.sizeOf(query))
          return StatementPage.of(page, fieldsOf)
        }, Effect.catchTags(Problems.storeErrors))
      )
      .handle(
        "securityEvents",
        Effect.fnUntraced(function* ({ params, query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(EventNumber))
          const { id } = yield* find(params)
          const size = Pagination.sizeOf(query)
          const found = yield* events.page(id, before, size + 1)
          return Pagination.pageOf(found, size, securityEventFields, ({ number }) => number.toString())
        }, Effect.catchTags(Problems.storeErrors))
      )
  })
)

const notFound = new Problem.NotFound({ detail: "There is no user with this id" })

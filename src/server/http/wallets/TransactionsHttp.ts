import { DateTime, Effect, flow, Schema, Stream } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import * as Problem from "../../../api/Problem.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { TransferId } from "../../../domain/ledger/LedgerPosting.ts"
import { Statement } from "../../../wallets/Statement.ts"
import * as Export from "../../encoding/Export.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as PairParams from "../PairParams.ts"
import * as MyWallet from "./MyWallet.ts"
import * as StatementPage from "./StatementPage.ts"
import { formatterOf, LAYOUT, transactionFields } from "./TransactionFields.ts"

/** Handlers of the statement of a wallet. */
export const layer = HttpApiBuilder.group(
  Api,
  "transactions",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const statement = yield* Statement
    const fieldsOf = transactionFields(formatterOf(catalog))

    const myWallet = yield* MyWallet.make
    const page = flow(statement.page, Effect.catchTags(Problems.storeErrors))

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ headers, query }) {
          const { since, type, until } = query
          if (since !== undefined && until !== undefined && DateTime.isLessThan(until, since))
            return yield* Problems.invalid("/query/until", "must not be before since")
          const filter = { asset: yield* PairParams.parseCode(catalog, query.asset), type, since, until }
          const before = yield* Pagination.decodeCursor(query.cursor, StatementPage.decodePosition)
          const format = yield* Export.negotiate(headers.accept)
          const { id } = yield* myWallet
          if (format !== undefined) {
            // Once rows are sent, a failure can no longer become a 503: check the database first.
            yield* page(id, { ...filter, type: undefined }, undefined, 1)
            return yield* Export.respond(format, LAYOUT, Stream.map(statement.stream(id, filter), fieldsOf))
          }
          return StatementPage.of(yield* page(id, filter, before, Pagination.sizeOf(query)), fieldsOf)
        })
      )
      .handle(
        "transaction",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* Effect.mapError(
            Schema.decodeEffect(TransferId)(params.transaction_id),
            () => notFound
          )
          const wallet = yield* myWallet
          const rows = yield* statement
            .transaction(wallet.id, id)
            .pipe(Effect.catchTags(Problems.storeErrors))
          const [first, ...others] = rows.map(fieldsOf)
          if (first === undefined) return yield* notFound
          const { created_at, type } = first
          return { id: first.id, type, created_at, movements: [first, ...others] }
        })
      )
  })
)

const notFound = new Problem.NotFound({ detail: "The wallet has no transaction with this id" })

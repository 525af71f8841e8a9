import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { MovementType } from "../../domain/wallets/MovementType.ts"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"
import { TransactionMovements, TransactionsPage } from "./TransactionMessage.ts"

/** Movements of the balances of a user. */
export class TransactionsApi extends HttpApiGroup.make("transactions")
  .add(
    HttpApiEndpoint.get("list", "/transactions", {
      query: {
        asset: Schema.optionalKey(Schema.String),
        type: Schema.optionalKey(MovementType),
        since: Schema.optionalKey(TimeFromText),
        until: Schema.optionalKey(TimeFromText),
        ...PageMessage.query
      },
      headers: PageMessage.headers,
      success: [TransactionsPage, ...PageMessage.files],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "List the movements of the balances",
        "Returns one row for each movement of a balance, newest first, from `since` (inclusive) to `until` (exclusive). `change` is signed, and `balance` is that of the asset after the movement. Follow `next` for more pages. With `type`, a page may have fewer rows than `page_size` and still have a next one. With `Accept: text/csv` or `application/x-ndjson`, streams all rows as a file."
      )
    ),
    HttpApiEndpoint.get("transaction", "/transactions/:transaction_id", {
      params: { transaction_id: Schema.String },
      success: TransactionMovements,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get a transaction",
        "Returns the movements that one transaction made in the wallet: one for a transfer, and two for a conversion."
      )
    )
  )
  .prefix("/api/v1")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Transactions",
      description:
        "The statement of a wallet. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}

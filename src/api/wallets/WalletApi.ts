import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireUser } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TimeFromText } from "../TimeFromText.ts"
import { AccountStatementMessage, WalletAtMessage, WalletMessage } from "./WalletMessage.ts"

/** The wallet of a user: balances, their value, and the account statement. */
export class WalletApi extends HttpApiGroup.make("wallet")
  .add(
    HttpApiEndpoint.get("wallet", "/wallet", {
      success: WalletMessage,
      error: [Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the balances",
        "Returns the balance of each asset, and their total value in the home currency of the service at the latest rates. `total.rates` names each rate that was used. An asset without a price is listed in `total.unpriced`, and never fails the request."
      )
    ),
    HttpApiEndpoint.get("at", "/wallet/at", {
      query: { time: TimeFromText },
      success: WalletAtMessage,
      error: [Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Get the balances at a time",
        "Returns the balances after everything that was posted up to `time`, including that millisecond. Before the first movement there are none. What was held then is not included."
      )
    ),
    HttpApiEndpoint.get("statement", "/statement", {
      query: {
        since: TimeFromText,
        until: Schema.optionalKey(TimeFromText),
        asset: Schema.optionalKey(Schema.String)
      },
      headers: PageMessage.headers,
      success: [
        AccountStatementMessage,
        ...PageMessage.files,
        Schema.String.annotate({ description: "A page to print" }).pipe(
          HttpApiSchema.asText({ contentType: "text/html" })
        )
      ],
      error: [Problem.UnsupportedCurrency, Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "Get the account statement of a period",
        "Returns the opening and closing balance of each asset, from `since` (inclusive) to `until` (exclusive, default: now). With `Accept: text/html`, returns a page to print, with every movement between the two balances, oldest first. With `text/csv` or `application/x-ndjson`, streams the same as a file, with the types `opening_balance` and `closing_balance`. Each opening balance plus the changes of its asset is the closing balance."
      )
    )
  )
  .prefix("/api/v1/accounts")
  .middleware(RequireUser)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Wallet",
      description:
        "Balances of a user. For a user who is signed in, or an API key with the scope `wallets` that acts for one."
    })
  ) {}

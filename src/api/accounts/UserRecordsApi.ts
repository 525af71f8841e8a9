import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { TransactionsPage } from "../wallets/TransactionMessage.ts"
import { WalletMessage } from "../wallets/WalletMessage.ts"
import { SecurityEventsPage } from "./SecurityEventMessage.ts"

const ofUser = {
  params: { user_id: Schema.String },
  error: [Problem.NotFound, Problem.StoreUnavailable]
} as const

/** Records of a user, for administrators. */
export class UserRecordsApi extends HttpApiGroup.make("userRecords")
  .add(
    HttpApiEndpoint.get("wallet", "/users/:user_id/wallet", {
      ...ofUser,
      success: WalletMessage
    }).annotateMerge(
      describe(
        "Get the wallet of a user",
        "Returns the balances of the user, and their value at the latest rates."
      )
    ),
    HttpApiEndpoint.get("transactions", "/users/:user_id/transactions", {
      ...ofUser,
      query: PageMessage.query,
      success: TransactionsPage
    }).annotateMerge(
      describe(
        "List the transactions of a user",
        "Returns the movements of the wallet, newest first, as the user sees them. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("securityEvents", "/users/:user_id/security-events", {
      ...ofUser,
      query: PageMessage.query,
      success: SecurityEventsPage
    }).annotateMerge(
      describe(
        "List the security events of a user",
        "Returns sign-ins and changes of the account, newest first. Follow `next` for more pages."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Records of users",
      description: "The wallet and the activity of a user. Requires an administrator, also in the sandbox."
    })
  ) {}

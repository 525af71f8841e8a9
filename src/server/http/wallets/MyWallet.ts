import { Effect } from "effect"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Creates the effect that returns the wallet of the user of a request. */
export const make = Effect.map(Wallets, ({ ofUser }) =>
  Effect.flatMap(CurrentUser, ({ userId }) => ofUser(userId)).pipe(Effect.catchTags(Problems.storeErrors))
)

/** Returns whose idempotency key a request has, and the API key that sends it for the user. */
export const senderOf = ({ owner, principal, sessionId }: CurrentUser["Service"]) => ({
  owner,
  requestedBy: sessionId === undefined ? principal : undefined
})

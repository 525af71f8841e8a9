import { Effect } from "effect"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { Wallets } from "../../../wallets/Wallets.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Creates the effect that returns the wallet of the user of a request. */
export const make = Effect.map(Wallets, ({ ofUser }) =>
  Effect.flatMap(CurrentUser, ({ userId }) => ofUser(userId)).pipe(Effect.catchTags(Problems.storeErrors))
)

/** Keys of one user are independent of those of another, also if one API key acts for both. */
export const keyOwnerOf = ({ principal, sessionId, userId }: CurrentUser["Service"]) =>
  sessionId === undefined ? `${principal} for ${userId}` : principal

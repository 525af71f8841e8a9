import { Context } from "effect"
import type { SessionId } from "../../domain/accounts/Session.ts"
import type { Role, UserId, Username } from "../../domain/accounts/User.ts"

/**
 * User on whose behalf the current request runs. The middleware `RequireUser` provides it to handlers.
 */
export class CurrentUser extends Context.Service<
  CurrentUser,
  {
    readonly userId: UserId
    readonly username: Username
    readonly role: Role
    /** Undefined for an API key that acts for the user with `Effex-On-Behalf-Of`. */
    readonly sessionId: SessionId | undefined
    /** Sender of the request: `user:<id>`, or the id of the API key. */
    readonly principal: string
    /** Owner of the idempotency keys of the request. */
    readonly owner: string
  }
>()("effex/api/access/CurrentUser") {}

import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of accounts, sessions and credentials. */

export class Unauthorized extends HttpApiError.Problem<Unauthorized>()(
  "Unauthorized",
  declare("unauthorized", 401, "Authentication is required"),
  members("unauthorized", false)
) {}

export class InvalidCredentials extends HttpApiError.Problem<InvalidCredentials>()(
  "InvalidCredentials",
  declare("invalid-credentials", 401, "Wrong username, password or code"),
  members("invalid-credentials", false)
) {}

export class MfaRequired extends HttpApiError.Problem<MfaRequired>()(
  "MfaRequired",
  declare("mfa-required", 401, "A second factor is required"),
  {
    ...members("mfa-required", false),
    /** Stands for the password for five minutes: send it with a `code`. */
    mfa_token: Schema.String
  }
) {}

export class MfaState extends HttpApiError.Problem<MfaState>()(
  "MfaState",
  declare("mfa-state", 409, "The second factor is not in this state"),
  members("mfa-state", false)
) {}

export class SessionEnded extends HttpApiError.Problem<SessionEnded>()(
  "SessionEnded",
  declare("session-ended", 401, "The session has ended"),
  members("session-ended", false)
) {}

export class AccountLocked extends HttpApiError.Problem<AccountLocked>()(
  "AccountLocked",
  declare("account-locked", 403, "The account is locked"),
  members("account-locked", false)
) {}

export class UsernameTaken extends HttpApiError.Problem<UsernameTaken>()(
  "UsernameTaken",
  declare("username-taken", 409, "The username is taken"),
  members("username-taken", false)
) {}

import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAdministrator } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  AdminActionPage,
  ManagedUserMessage,
  ManagedUserPage,
  ReasonBody,
  RoleBody
} from "./UserAdminMessage.ts"

const action = {
  params: { user_id: Schema.String },
  payload: ReasonBody,
  success: ManagedUserMessage,
  error: [Problem.NotFound, Problem.StoreUnavailable]
} as const

const guarded = { ...action, error: [...action.error, Problem.LastAdministrator] } as const

/** Text of a query. PostgreSQL stores no NUL character. */
const Text = Schema.String.check(
  Schema.isMaxLength(100, { message: "must have at most 100 characters" }),
  Schema.isPattern(/^[^\p{Cc}\p{Cs}]*$/u, { message: "must not contain control characters" })
)

/** Administration of users, and the log of administrators. */
export class UserAdminApi extends HttpApiGroup.make("userAdmin")
  .add(
    HttpApiEndpoint.get("users", "/users", {
      query: { prefix: Schema.optionalKey(Text), ...PageMessage.query },
      success: ManagedUserPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List users",
        "Returns users in the order of their names. `prefix` is the beginning of the names, in upper or lower case. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.get("user", "/users/:user_id", {
      params: action.params,
      success: ManagedUserMessage,
      error: action.error
    }).annotateMerge(describe("Get a user", "Returns the user with this id.")),
    HttpApiEndpoint.post("lock", "/users/:user_id/lock", guarded).annotateMerge(
      describe(
        "Lock a user",
        "Ends all sessions, and refuses sign-in until the user is unlocked. Access tokens stop working within 10 seconds. Administrators cannot lock themselves (`forbidden`), and the last administrator cannot be locked."
      )
    ),
    HttpApiEndpoint.post("unlock", "/users/:user_id/unlock", action).annotateMerge(
      describe("Unlock a user", "Allows the user to sign in again.")
    ),
    HttpApiEndpoint.post("resetMfa", "/users/:user_id/reset-mfa", action).annotateMerge(
      describe(
        "Reset a second factor",
        "Removes the second factor of a user who lost it, with its recovery codes, and ends all sessions. Changes nothing if the user has none. Administrators disable their own second factor with their password (`forbidden`)."
      )
    ),
    HttpApiEndpoint.post("endSessions", "/users/:user_id/end-sessions", action).annotateMerge(
      describe("End the sessions of a user", "Signs the user out everywhere.")
    ),
    HttpApiEndpoint.post("setRole", "/users/:user_id/role", { ...guarded, payload: RoleBody }).annotateMerge(
      describe(
        "Change the role of a user",
        "Changes the role to `admin` or `user`, and ends all sessions if it is another one. Administrators cannot change their own role (`forbidden`), and the last administrator cannot lose it."
      )
    ),
    HttpApiEndpoint.get("actions", "/actions", {
      query: { subject: Schema.optionalKey(Text), ...PageMessage.query },
      success: AdminActionPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List the actions of administrators",
        "Returns who did what, on whom, when and why, newest first. `subject` is the id of a user. Follow `next` for more pages."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Administration of users",
      description:
        "Requires an access token of an administrator, or an API key with the scope `admin`, also in the sandbox. Each action is recorded with its reason."
    })
  ) {}

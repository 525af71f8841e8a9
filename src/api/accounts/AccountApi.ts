import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireSession } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { SecurityEventsPage } from "./SecurityEventMessage.ts"
import { PasswordBody, ProfileBody, SessionsMessage, UserMessage } from "./AccountMessage.ts"

/** The account of the user who is signed in. */
export class AccountApi extends HttpApiGroup.make("account")
  .add(
    HttpApiEndpoint.get("me", "/me", { success: UserMessage, error: Problem.StoreUnavailable }).annotateMerge(
      describe("Get my account", "Returns the user who is signed in.")
    ),
    HttpApiEndpoint.patch("changeMe", "/me", {
      payload: ProfileBody,
      success: UserMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("Change my account", "Sets the email address. `null` removes it.")),
    HttpApiEndpoint.post("changePassword", "/me/password", {
      payload: PasswordBody,
      success: HttpApiSchema.Empty(204),
      error: [Problem.InvalidCredentials, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Change my password",
        "Requires the current password, and ends every other session. Their access tokens stop working within 10 seconds."
      )
    ),
    HttpApiEndpoint.get("sessions", "/sessions", {
      success: SessionsMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("List my sessions", "Returns where the user is signed in, newest first.")),
    HttpApiEndpoint.delete("endSession", "/sessions/:session_id", {
      params: { session_id: Schema.String },
      success: HttpApiSchema.Empty(204),
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(describe("End a session", "Signs one device out.")),
    HttpApiEndpoint.get("securityEvents", "/security-events", {
      query: PageMessage.query,
      success: SecurityEventsPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List my security events",
        "Returns what happened to the account, newest first: sign-ins, ended sessions, and changes of the password, the second factor and the role. They are immutable, and contain no addresses. `GET /api/v1/accounts/events` sends them as they happen."
      )
    ),
    HttpApiEndpoint.post("logoutAll", "/auth/logout-all", {
      success: HttpApiSchema.Empty(204),
      error: Problem.StoreUnavailable
    }).annotateMerge(describe("Sign out everywhere", "Ends all sessions of the user, this one too.")),
    HttpApiEndpoint.post("logoutOthers", "/auth/logout-others", {
      success: HttpApiSchema.Empty(204),
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Sign out everywhere else",
        "Ends all sessions of the user except the one of this request, in one step. Their access tokens stop working within 10 seconds."
      )
    )
  )
  .prefix("/api/v1/accounts")
  .middleware(RequireSession)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Account",
      description: "The account of the user who is signed in. API keys are refused."
    })
  ) {}

import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { NoAuthentication } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  JwksMessage,
  LoginBody,
  RefreshBody,
  RegisterBody,
  SignedInMessage,
  TokensMessage
} from "./AccountMessage.ts"

/** Registration, sign-in and tokens. No credentials are needed, and those of an expired session do no harm. */
export class AuthApi extends HttpApiGroup.make("auth")
  .add(
    HttpApiEndpoint.post("register", "/api/v1/accounts/auth/register", {
      payload: RegisterBody,
      success: SignedInMessage.pipe(HttpApiSchema.status(201)),
      error: [Problem.UsernameTaken, Problem.Forbidden, Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "Create an account",
        "Creates a user and a wallet, and signs the user in. The username has 3 to 32 of the letters a to z, digits and `.`, `_`, `-`, and ignores case. The password has at least 10 characters. `forbidden` if registration is closed."
      )
    ),
    HttpApiEndpoint.post("login", "/api/v1/accounts/auth/login", {
      payload: LoginBody,
      success: SignedInMessage,
      error: [
        Problem.InvalidCredentials,
        Problem.MfaRequired,
        Problem.AccountLocked,
        Problem.Forbidden,
        Problem.StoreUnavailable,
        Problem.Overloaded
      ]
    }).annotateMerge(
      describe(
        "Sign in",
        "Opens a session and returns its tokens. A user with a second factor also sends `code`; without it, the response is `mfa-required` with an `mfa_token`, which replaces username and password for five minutes. With `cookie`, the refresh token comes as an HttpOnly cookie."
      )
    ),
    HttpApiEndpoint.post("refresh", "/api/v1/accounts/auth/refresh", {
      payload: RefreshBody,
      success: TokensMessage,
      error: [Problem.SessionEnded, Problem.Forbidden, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Refresh the tokens",
        "Exchanges a refresh token for a new one and an access token. A refresh token is used once: used again after 10 seconds, it ends the session, because it may be stolen. Concurrent calls with one token get the same successor."
      )
    ),
    HttpApiEndpoint.post("logout", "/api/v1/accounts/auth/logout", {
      payload: RefreshBody,
      success: HttpApiSchema.Empty(204),
      error: [Problem.Forbidden, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Sign out",
        "Ends the session of a refresh token. Its access tokens stop working within 10 seconds on every node. Succeeds for any token, also one that is unknown or was used."
      )
    ),
    HttpApiEndpoint.get("jwks", "/.well-known/jwks.json", { success: JwksMessage }).annotateMerge(
      describe(
        "Get the public keys of access tokens",
        "Other services can verify access tokens with these (RFC 7517, RFC 9068). The first key signs."
      )
    )
  )
  .middleware(NoAuthentication)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({ title: "Sign-in", description: "Registration, sign-in and tokens." })
  ) {}

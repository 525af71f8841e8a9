import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { RequireSession } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import {
  MfaConfirmBody,
  MfaEnrollBody,
  MfaEnrollmentMessage,
  MfaProofBody,
  MfaStatusMessage,
  RecoveryCodesMessage
} from "./MfaMessage.ts"

/** The second factor of the user who is signed in. */
export class MfaApi extends HttpApiGroup.make("mfa")
  .add(
    HttpApiEndpoint.get("status", "/", {
      success: MfaStatusMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe("Get my second factor", "Returns whether it is enabled, and how many recovery codes are left.")
    ),
    HttpApiEndpoint.post("enroll", "/enroll", {
      payload: MfaEnrollBody,
      success: MfaEnrollmentMessage,
      error: [Problem.InvalidCredentials, Problem.MfaState, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Enroll a second factor",
        "Creates a secret for an authenticator app (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds). It is in effect after `confirm`. Replaces a secret that was not confirmed; `mfa-state` if one was."
      )
    ),
    HttpApiEndpoint.post("confirm", "/confirm", {
      payload: MfaConfirmBody,
      success: RecoveryCodesMessage,
      error: [Problem.InvalidCredentials, Problem.MfaState, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Enable the second factor",
        "Takes a code that the app shows, enables the second factor, ends every other session, and returns ten recovery codes, which cannot be read again."
      )
    ),
    HttpApiEndpoint.post("disable", "/disable", {
      payload: MfaProofBody,
      success: HttpApiSchema.Empty(204),
      error: [Problem.InvalidCredentials, Problem.MfaState, Problem.StoreUnavailable]
    }).annotateMerge(
      describe("Disable the second factor", "Requires the password and a code, and ends every other session.")
    ),
    HttpApiEndpoint.post("recoveryCodes", "/recovery-codes", {
      payload: MfaProofBody,
      success: RecoveryCodesMessage,
      error: [Problem.InvalidCredentials, Problem.MfaState, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Renew the recovery codes",
        "Requires the password and a code, replaces all recovery codes by ten new ones, and ends every other session."
      )
    )
  )
  .prefix("/api/v1/accounts/auth/mfa")
  .middleware(RequireSession)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Second factor",
      description: "The second factor of the user who is signed in. API keys are refused."
    })
  ) {}

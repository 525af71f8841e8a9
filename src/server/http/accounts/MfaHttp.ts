import { Effect, Redacted } from "effect"
import { HttpServerResponse } from "effect/http"
import type { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { type Attempt, AttemptLimits } from "../../../accounts/login/AttemptLimits.ts"
import { Mfa } from "../../../accounts/mfa/Mfa.ts"
import { Api } from "../../../api/Api.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { MfaConfirmBody, MfaEnrollBody, MfaProofBody } from "../../../api/accounts/MfaMessage.ts"
import * as Problem from "../../../api/Problem.ts"
import type { InvalidMfaCode, MfaAlreadyEnabled, MfaNotEnabled } from "../../../domain/accounts/Mfa.ts"
import * as AccountProblems from "./AccountProblems.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as Requests from "./AccountRequests.ts"

/** Handlers of the second factor of the user who is signed in. */
export const layer = HttpApiBuilder.group(
  Api,
  "mfa",
  Effect.fn(function* (handlers) {
    const limits = yield* AttemptLimits
    const mfa = yield* Mfa

    /** Runs a change that needs a secret: wrong ones count against the limit of the account. */
    const limited = <A, E extends { readonly _tag: string }, R>(
      request: HttpServerRequest.HttpServerRequest,
      kind: Attempt["kind"],
      change: (user: CurrentUser["Service"]) => Effect.Effect<A, E, R>
    ) =>
      Effect.gen(function* () {
        const user = yield* CurrentUser
        const { address } = Requests.deviceOf(request)
        const attempt = { kind, address, account: user.username } satisfies Attempt
        yield* limits.admit(attempt)
        const result = yield* Effect.tapError(change(user), ({ _tag }) =>
          _tag === "InvalidCredentials" || _tag === "InvalidMfaCode"
            ? limits.record(attempt, "failure")
            : Effect.void
        )
        yield* limits.record(attempt, "success")
        return result
      })

    return handlers
      .handleRaw(
        "status",
        Effect.fnUntraced(function* () {
          const { userId } = yield* CurrentUser
          const { enabled, recoveryCodes } = yield* mfa
            .status(userId)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return respond({ enabled, recovery_codes: recoveryCodes })
        })
      )
      .handleRaw(
        "enroll",
        Effect.fnUntraced(function* ({ request }) {
          const { password } = yield* readEnroll(request)
          const { secret, uri } = yield* limited(request, "password", (user) =>
            mfa.enroll(user, Redacted.make(password))
          ).pipe(Effect.catchTags({ ...AccountProblems.credentialErrors, MfaAlreadyEnabled: toState }))
          return respond({ secret: Redacted.value(secret), otpauth_uri: Redacted.value(uri) })
        })
      )
      .handleRaw(
        "confirm",
        Effect.fnUntraced(function* ({ request }) {
          const { code } = yield* readConfirm(request)
          const codes = yield* limited(request, "mfa", (user) => mfa.confirm(user, Redacted.make(code))).pipe(
            Effect.catchTags({
              ...AccountProblems.attemptErrors,
              InvalidMfaCode: ({ message }: InvalidMfaCode) =>
                Effect.fail(new Problem.InvalidCredentials({ detail: message })),
              MfaAlreadyEnabled: toState,
              MfaNotEnabled: toState
            })
          )
          return respond({ recovery_codes: codes.map(Redacted.value) })
        })
      )
      .handleRaw(
        "disable",
        Effect.fnUntraced(function* ({ request }) {
          const proof = yield* readProof(request)
          yield* limited(request, "mfa", (user) => mfa.disable(user, proof)).pipe(
            Effect.catchTags({ ...AccountProblems.credentialErrors, MfaNotEnabled: toState })
          )
          return HttpServerResponse.empty({ status: 204, headers: { "cache-control": "no-store" } })
        })
      )
      .handleRaw(
        "recoveryCodes",
        Effect.fnUntraced(function* ({ request }) {
          const proof = yield* readProof(request)
          const codes = yield* limited(request, "mfa", (user) => mfa.renewRecoveryCodes(user, proof)).pipe(
            Effect.catchTags({ ...AccountProblems.credentialErrors, MfaNotEnabled: toState })
          )
          return respond({ recovery_codes: codes.map(Redacted.value) })
        })
      )
  })
)

const readEnroll = Requests.secretReaderOf(MfaEnrollBody)
const readConfirm = Requests.secretReaderOf(MfaConfirmBody)
const readProofBody = Requests.secretReaderOf(MfaProofBody)
const readProof = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.map(readProofBody(request), ({ code, password }) => ({
    code: Redacted.make(code),
    password: Redacted.make(password)
  }))

const toState = ({ message }: MfaAlreadyEnabled | MfaNotEnabled) =>
  Effect.fail(new Problem.MfaState({ detail: message }))

const respond = (fields: object) =>
  HttpServerResponse.text(JSON.stringify(fields), {
    contentType: "application/json",
    headers: { "cache-control": "no-store" }
  })

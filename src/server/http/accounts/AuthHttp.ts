import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AccessTokens } from "../../../accounts/tokens/AccessTokens.ts"
import { AttemptLimits } from "../../../accounts/login/AttemptLimits.ts"
import { Registration } from "../../../accounts/Registration.ts"
import type { OpenSession } from "../../../accounts/sessions/NewSessions.ts"
import { Sessions } from "../../../accounts/sessions/Sessions.ts"
import { SignIn, type SignInRequest } from "../../../accounts/login/SignIn.ts"
import { Users } from "../../../accounts/Users.ts"
import { Api } from "../../../api/Api.ts"
import { LoginBody, RefreshBody, RegisterBody } from "../../../api/accounts/AccountMessage.ts"
import { Settings } from "../../../config/Settings.ts"
import { SessionEnded } from "../../../domain/accounts/Session.ts"
import type { User } from "../../../domain/accounts/User.ts"
import * as Problems from "../../middleware/Problems.ts"
import * as AccountProblems from "./AccountProblems.ts"
import * as Requests from "./AccountRequests.ts"
import * as RefreshCookie from "./RefreshCookie.ts"

/** Handlers of registration, sign-in and tokens. */
export const layer = HttpApiBuilder.group(
  Api,
  "auth",
  Effect.fn(function* (handlers) {
    const { publicUrl } = yield* Settings
    const accessTokens = yield* AccessTokens
    const limits = yield* AttemptLimits
    const registration = yield* Registration
    const sessions = yield* Sessions
    const signIn = yield* SignIn
    const users = yield* Users
    const cookie = RefreshCookie.make(publicUrl)
    const requireOwnPage = (request: HttpServerRequest.HttpServerRequest) =>
      Requests.requireOwnPage(request, publicUrl)

    /** Responds with the tokens of a session. `inCookie` puts the refresh token into the cookie, not into the body. */
    const respond = Effect.fnUntraced(function* (
      { refreshToken, session, user }: OpenSession & { readonly user: User },
      options: {
        readonly status: number
        readonly inCookie: boolean
        readonly withUser: boolean
      }
    ) {
      const issued = yield* accessTokens.issue({
        user,
        session: session.id,
        sessionExpiresAt: session.expiresAt
      })
      const refresh = Redacted.value(refreshToken)
      const body = {
        access: Redacted.value(issued.token),
        ...(options.inCookie ? {} : { refresh }),
        token_type: "Bearer",
        expires_in: Duration.toSeconds(issued.expiresIn),
        session_id: session.id,
        ...(options.withUser ? { user: userFields(user) } : {})
      }
      const response = HttpServerResponse.text(JSON.stringify(body), {
        status: options.status,
        contentType: "application/json",
        headers: { "cache-control": "no-store" }
      })
      const maxAge = DateTime.distance(yield* DateTime.now, session.expiresAt)
      return options.inCookie ? cookie.set(response, refresh, maxAge) : response
    })

    /** Returns the token of the body, or else of the cookie, which only pages of this server may use. */
    const refreshTokenOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
      const { refresh } = yield* readRefresh(request)
      if (refresh !== undefined) return { token: Redacted.make(refresh), inCookie: false }
      const fromCookie = cookie.read(request)
      if (fromCookie === undefined) return yield* Requests.missing("refresh")
      yield* requireOwnPage(request)
      return { token: Redacted.make(fromCookie), inCookie: true }
    })

    const proofOf = Effect.fnUntraced(function* (body: typeof LoginBody.Type) {
      const { mfa_token, password, username } = body
      if (mfa_token !== undefined && password === undefined)
        return { secondFactorToken: Redacted.make(mfa_token) } satisfies SignInRequest["proof"]
      return {
        username: Redacted.value(yield* Requests.required("username", username)),
        password: yield* Requests.required("password", password)
      } satisfies SignInRequest["proof"]
    })

    return handlers
      .handleRaw(
        "register",
        Effect.fnUntraced(function* ({ request }) {
          const { cookie: inCookie = false, email, password, username } = yield* readRegister(request)
          if (inCookie) yield* requireOwnPage(request)
          const device = Requests.deviceOf(request)
          yield* limits
            .admit({ kind: "register", address: device.address })
            .pipe(Effect.catchTags(AccountProblems.attemptErrors))
          const opened = yield* registration
            .register(
              { username, password: Redacted.make(password), email: Option.fromUndefinedOr(email) },
              device
            )
            .pipe(Effect.catchTags(AccountProblems.registrationErrors))
          return yield* respond(opened, {
            status: 201,
            inCookie,
            withUser: true
          })
        })
      )
      .handleRaw(
        "login",
        Effect.fnUntraced(function* ({ request }) {
          const body = yield* readLogin(request)
          const { code, cookie: inCookie = false } = body
          if (inCookie) yield* requireOwnPage(request)
          const opened = yield* signIn
            .signIn({
              proof: yield* proofOf(body),
              code: code === undefined ? undefined : Redacted.make(code),
              device: Requests.deviceOf(request)
            })
            .pipe(Effect.catchTags(AccountProblems.signInErrors))
          return yield* respond(opened, {
            status: 200,
            inCookie,
            withUser: true
          })
        })
      )
      .handleRaw(
        "refresh",
        Effect.fnUntraced(function* ({ request }) {
          const token = yield* refreshTokenOf(request)
          const device = Requests.deviceOf(request)
          const attempt = { kind: "refresh", address: device.address } as const
          const rotate = Effect.gen(function* () {
            yield* limits.admit(attempt)
            const opened = yield* sessions
              .refresh(token.token, device)
              .pipe(Effect.tapErrorTag("SessionEnded", () => limits.record(attempt, "failure")))
            const user = yield* users.byId(opened.session.userId)
            return Option.isSome(user) && Option.isNone(user.value.lockedAt)
              ? { ...opened, user: user.value }
              : yield* new SessionEnded({ reason: "lock" })
          })
          const opened = yield* Effect.catchTags(rotate, {
            ...AccountProblems.sessionErrors,
            ...AccountProblems.attemptErrors
          })
          return yield* respond(opened, {
            status: 200,
            inCookie: token.inCookie,
            withUser: false
          })
        })
      )
      .handleRaw(
        "logout",
        Effect.fnUntraced(function* ({ request }) {
          const { inCookie, token } = yield* refreshTokenOf(request)
          yield* sessions.endByToken(token).pipe(Effect.catchTags(Problems.storeErrors))
          const response = HttpServerResponse.empty({
            status: 204,
            headers: { "cache-control": "no-store" }
          })
          return inCookie ? cookie.end(response) : response
        })
      )
      .handleRaw("jwks", () =>
        Effect.succeed(
          HttpServerResponse.text(JSON.stringify(accessTokens.jwks), {
            contentType: "application/json",
            headers: { "cache-control": "public, max-age=300" }
          })
        )
      )
  })
)

const readRegister = Requests.secretReaderOf(RegisterBody)
const readLogin = Requests.secretReaderOf(LoginBody)
const readRefresh = Requests.secretReaderOf(RefreshBody)

/** Fields of a user in responses. */
export const userFields = ({ createdAt, email, id, role, username }: User) => ({
  id,
  username,
  email: Option.getOrNull(email),
  role,
  created_at: DateTime.formatIso(createdAt)
})

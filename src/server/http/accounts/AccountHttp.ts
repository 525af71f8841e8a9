import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AttemptLimits } from "../../../accounts/login/AttemptLimits.ts"
import { Credentials } from "../../../accounts/Credentials.ts"
import { SecurityEvents } from "../../../accounts/SecurityEvents.ts"
import { Sessions } from "../../../accounts/sessions/Sessions.ts"
import { Users } from "../../../accounts/Users.ts"
import { Api } from "../../../api/Api.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import { PasswordBody, ProfileBody } from "../../../api/accounts/AccountMessage.ts"
import type { Session } from "../../../domain/accounts/Session.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import * as Problems from "../../middleware/Problems.ts"
import { userFields } from "./AuthHttp.ts"
import * as AccountProblems from "./AccountProblems.ts"
import * as Requests from "./AccountRequests.ts"
import { securityEventFields } from "./SecurityEventFields.ts"

/** Handlers of the account of the user who is signed in. */
export const layer = HttpApiBuilder.group(
  Api,
  "account",
  Effect.fn(function* (handlers) {
    const credentials = yield* Credentials
    const limits = yield* AttemptLimits
    const securityEvents = yield* SecurityEvents
    const sessions = yield* Sessions
    const users = yield* Users

    return handlers
      .handleRaw(
        "me",
        Effect.fnUntraced(function* () {
          const { userId } = yield* CurrentUser
          const user = yield* users.byId(userId).pipe(Effect.catchTags(Problems.storeErrors))
          return respond(userFields(Option.getOrThrow(user)))
        })
      )
      .handleRaw(
        "changeMe",
        Effect.fnUntraced(function* ({ request }) {
          const { email } = yield* readProfile(request)
          const { userId } = yield* CurrentUser
          const user = yield* users
            .setEmail(userId, Option.fromNullOr(email))
            .pipe(Effect.catchTags({ ...Problems.storeErrors, UserNotFound: Effect.die }))
          return respond(userFields(user))
        })
      )
      .handleRaw(
        "changePassword",
        Effect.fnUntraced(function* ({ request }) {
          const body = yield* readPassword(request)
          const { sessionId, userId, username } = yield* CurrentUser
          const { address } = Requests.deviceOf(request)
          const attempt = { kind: "password", address, account: username } as const
          const change = Effect.gen(function* () {
            yield* limits.admit(attempt)
            yield* credentials
              .change({
                user: userId,
                current: Redacted.make(body.current_password),
                next: Redacted.make(body.new_password),
                keep: sessionId
              })
              .pipe(Effect.tapErrorTag("InvalidCredentials", () => limits.record(attempt, "failure")))
            yield* limits.record(attempt, "success")
          })
          yield* Effect.catchTags(change, {
            ...AccountProblems.credentialErrors,
            ...AccountProblems.passwordErrors("/body/new_password")
          })
          return NO_CONTENT
        })
      )
      .handleRaw(
        "sessions",
        Effect.fnUntraced(function* () {
          const { sessionId, userId } = yield* CurrentUser
          const found = yield* sessions.list(userId).pipe(Effect.catchTags(Problems.storeErrors))
          return respond({ data: found.map((session) => sessionFields(session, session.id === sessionId)) })
        })
      )
      .handleRaw(
        "endSession",
        Effect.fnUntraced(function* ({ params }) {
          const { userId } = yield* CurrentUser
          yield* sessions
            .end(userId, params.session_id, "ended")
            .pipe(Effect.catchTags(AccountProblems.sessionNotFoundErrors))
          return NO_CONTENT
        })
      )
      .handle(
        "securityEvents",
        Effect.fnUntraced(function* ({ query }) {
          const { userId } = yield* CurrentUser
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(EventNumber))
          const size = Pagination.sizeOf(query)
          const found = yield* securityEvents
            .page(userId, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, securityEventFields, ({ number }) => number.toString())
        })
      )
      .handleRaw(
        "logoutAll",
        Effect.fnUntraced(function* () {
          const { userId } = yield* CurrentUser
          yield* sessions.endAll(userId, "logout-all").pipe(Effect.catchTags(Problems.storeErrors))
          return NO_CONTENT
        })
      )
      .handleRaw(
        "logoutOthers",
        Effect.fnUntraced(function* () {
          const { sessionId, userId } = yield* CurrentUser
          yield* sessions.endOthers(userId, sessionId).pipe(Effect.catchTags(Problems.storeErrors))
          return NO_CONTENT
        })
      )
  })
)

/** Number of a security event, as the position of a cursor. */
export const EventNumber = Schema.String.check(Schema.isPattern(/^\d{1,18}$/)).pipe(
  Schema.decodeTo(Schema.BigIntFromString)
)

const readProfile = Requests.secretReaderOf(ProfileBody)
const readPassword = Requests.secretReaderOf(PasswordBody)

const NO_CONTENT = HttpServerResponse.empty({ status: 204, headers: { "cache-control": "no-store" } })

const respond = (fields: object) =>
  HttpServerResponse.text(JSON.stringify(fields), {
    contentType: "application/json",
    headers: { "cache-control": "no-store" }
  })

const sessionFields = (session: Session, current: boolean) => ({
  id: session.id,
  current,
  created_at: DateTime.formatIso(session.createdAt),
  last_used_at: DateTime.formatIso(session.lastUsedAt),
  expires_at: DateTime.formatIso(session.expiresAt),
  second_factor: session.secondFactor,
  address: session.address,
  user_agent: session.userAgent
})

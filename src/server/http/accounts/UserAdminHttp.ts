import { DateTime, Effect, Option, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions, type RecordedAction } from "../../../accounts/AdminActions.ts"
import { UserAdministration } from "../../../accounts/UserAdministration.ts"
import { Users } from "../../../accounts/Users.ts"
import { Api } from "../../../api/Api.ts"
import { Caller } from "../../../api/access/Caller.ts"
import * as Problem from "../../../api/Problem.ts"
import { type User, UserId, Username } from "../../../domain/accounts/User.ts"
import * as Pagination from "../../encoding/Pagination.ts"
import { lastAdministratorErrors, ownAccountErrors, userNotFoundErrors } from "./AccountProblems.ts"
import * as Problems from "../../middleware/Problems.ts"

/** Handlers of the administration of users. */
export const layer = HttpApiBuilder.group(
  Api,
  "userAdmin",
  Effect.fn(function* (handlers) {
    const administration = yield* UserAdministration
    const actions = yield* AdminActions
    const users = yield* Users

    return handlers
      .handle(
        "users",
        Effect.fnUntraced(function* ({ query }) {
          const after = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(Username))
          const size = Pagination.sizeOf(query)
          const found = yield* administration
            .list({ prefix: query.prefix ?? "", after, limit: size + 1 })
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, toMessage, ({ username }) => username)
        })
      )
      .handle(
        "user",
        Effect.fnUntraced(function* ({ params }) {
          const id = yield* parseId(params.user_id)
          const user = yield* users.byId(id).pipe(Effect.catchTags(Problems.storeErrors))
          return Option.isSome(user) ? toMessage(user.value) : yield* notFound
        })
      )
      .handle("lock", (request) =>
        orderOf(request).pipe(
          Effect.flatMap(administration.lock),
          Effect.map(toMessage),
          Effect.catchTags(lastAdministratorErrors)
        )
      )
      .handle("unlock", (request) =>
        orderOf(request).pipe(
          Effect.flatMap(administration.unlock),
          Effect.map(toMessage),
          Effect.catchTags(userNotFoundErrors)
        )
      )
      .handle("resetMfa", (request) =>
        orderOf(request).pipe(
          Effect.flatMap(administration.resetMfa),
          Effect.map(toMessage),
          Effect.catchTags(ownAccountErrors)
        )
      )
      .handle("endSessions", (request) =>
        orderOf(request).pipe(
          Effect.flatMap(administration.endSessions),
          Effect.map(toMessage),
          Effect.catchTags(userNotFoundErrors)
        )
      )
      .handle("setRole", (request) =>
        orderOf(request).pipe(
          Effect.flatMap((order) => administration.setRole(order, request.payload.role)),
          Effect.map(toMessage),
          Effect.catchTags(lastAdministratorErrors)
        )
      )
      .handle(
        "actions",
        Effect.fnUntraced(function* ({ query }) {
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(ActionId))
          const size = Pagination.sizeOf(query)
          const found = yield* actions
            .list({ subject: query.subject, before, limit: size + 1 })
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, toActionMessage, ({ id }) => id)
        })
      )
  })
)

const ActionId = Schema.String.check(Schema.isUUID())

const notFound = new Problem.NotFound({ detail: "There is no user with this id" })

const parseId = (text: string) => Effect.mapError(Schema.decodeEffect(UserId)(text), () => notFound)

interface Request {
  readonly params: { readonly user_id: string }
  readonly payload: { readonly reason: string }
}

/** The user of the path, with who acts and why. */
const orderOf = Effect.fnUntraced(function* ({ params, payload }: Request) {
  const { id: principal } = yield* Caller
  return { user: yield* parseId(params.user_id), principal, reason: payload.reason }
})

const toMessage = ({ createdAt, email, id, lockedAt, role, username }: User) => ({
  id,
  username,
  email: Option.getOrNull(email),
  role,
  created_at: DateTime.formatIso(createdAt),
  locked_at: Option.getOrNull(Option.map(lockedAt, DateTime.formatIso))
})

const toActionMessage = ({ at, ...action }: RecordedAction) => ({ ...action, at: DateTime.formatIso(at) })

import { Effect, Layer } from "effect"
import { constVoid } from "effect/Function"
import type { Headers } from "effect/http"
import { EndedSessions } from "../../accounts/sessions/EndedSessions.ts"
import { Caller } from "../../api/access/Caller.ts"
import { CurrentUser } from "../../api/access/CurrentUser.ts"
import {
  RpcOptionalAuthentication,
  RpcRequireConvertScope,
  RpcRequireUser
} from "../../api/access/RpcAuthorization.ts"
import * as Problem from "../../api/Problem.ts"
import type { SessionId } from "../../domain/accounts/Session.ts"
import * as RequestCosts from "../http/RequestCosts.ts"
import * as RpcBackPressure from "./RpcBackPressure.ts"
import { AccessControl } from "../middleware/access/AccessControl.ts"
import type { Credentials } from "../middleware/access/Authentication.ts"
import { LookupCaller } from "../middleware/access/LookupCaller.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import { ACCESS_ENDED, StreamAccess } from "../middleware/access/StreamAccess.ts"
import { ON_BEHALF_OF } from "../middleware/access/UserAccess.ts"

/** Credentials of a call. Its headers include those of the HTTP request, unless the call has its own. */
const credentialsOf = ({ headers }: { readonly headers: Headers.Headers }) =>
  Effect.map(ClientAddress.RpcClientAddress, (address): Credentials => ({
    authorization: headers["authorization"],
    address,
    // RPC responses have no rate-limit headers.
    reportRateLimit: constVoid
  }))

/** Ends the call of a user with the session, also a stream. */
const untilSessionEnds = Effect.map(
  EndedSessions,
  ({ onEnd }) =>
    <A, E, R>(call: Effect.Effect<A, E, R>, session: SessionId | undefined) =>
      session === undefined
        ? call
        : Effect.raceFirst(
            call,
            Effect.callback<never, Problem.Unauthorized>((resume) => {
              const remove = onEnd(session, () => resume(Effect.fail(sessionEnded)))
              return Effect.sync(remove)
            })
          )
)

const sessionEnded = new Problem.Unauthorized({ detail: "The session has ended; sign in again" })

const optionalAuthentication = Effect.gen(function* () {
  const { authorizePublic } = yield* AccessControl
  const untilEnd = yield* untilSessionEnds
  return RpcOptionalAuthentication.of((call, options) =>
    Effect.gen(function* () {
      const credentials = yield* credentialsOf(options)
      let session: SessionId | undefined
      const cost = RequestCosts.ofMessage(options.rpc._tag)
      const identity = yield* authorizePublic("reads", { ...credentials, cost }, (found) => {
        session = found
      }).pipe(Effect.mapError(({ problem }) => problem))
      const caller = { identity, isAnonymous: identity === credentials.address }
      return yield* untilEnd(Effect.provideService(call, LookupCaller, caller), session)
    })
  )
})

const requireUser = Effect.gen(function* () {
  const { authorizeUser } = yield* AccessControl
  const { awaitEnd } = yield* StreamAccess
  const untilEnd = yield* untilSessionEnds
  return RpcRequireUser.of((call, options) =>
    Effect.gen(function* () {
      const cost = RequestCosts.ofMessage(options.rpc._tag)
      const credentials = { ...(yield* credentialsOf(options)), cost }
      const user = yield* authorizeUser("reads", credentials, options.headers[ON_BEHALF_OF]).pipe(
        Effect.mapError(({ problem }) => problem)
      )
      const authorized = Effect.provideService(call, CurrentUser, user)
      const endOfAccess = Effect.andThen(awaitEnd(user, credentials.authorization), Effect.fail(ACCESS_ENDED))
      return yield* Effect.raceFirst(untilEnd(authorized, user.sessionId), endOfAccess)
    })
  )
})

/** Implements the middlewares of `RpcAuthorization`. */
export const layer = Layer.mergeAll(
  Layer.effect(RpcOptionalAuthentication, optionalAuthentication),
  Layer.effect(RpcRequireUser, requireUser),
  Layer.effect(
    RpcRequireConvertScope,
    Effect.map(AccessControl, ({ authorize }) =>
      RpcRequireConvertScope.of((call, options) =>
        Effect.flatMap(credentialsOf(options), (credentials) =>
          authorize("convert", "writes", credentials)
        ).pipe(
          RpcBackPressure.withPermit,
          Effect.mapError(({ problem }) => problem),
          Effect.flatMap((principal) => Effect.provideService(call, Caller, principal))
        )
      )
    )
  )
)

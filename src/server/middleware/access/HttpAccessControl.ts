import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Layer } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import type { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import type * as Problem from "../../../api/Problem.ts"
import { Caller } from "../../../api/access/Caller.ts"
import { CurrentUser } from "../../../api/access/CurrentUser.ts"
import {
  NoAuthentication,
  OptionalAuthentication,
  RequireAdministrator,
  RequireAdminScope,
  RequireAuditScope,
  RequireConvertScope,
  RequireSession,
  RequireUser
} from "../../../api/access/HttpAuthorization.ts"
import { FlutterwaveAuthentication } from "../../../api/flutterwave/FlutterwaveApi.ts"
import type { Scope } from "../../../domain/access/ApiKey.ts"
import * as RequestCosts from "../../http/RequestCosts.ts"
import { AccessControl } from "./AccessControl.ts"
import type { Credentials } from "./Authentication.ts"
import * as ClientAddress from "../addresses/ClientAddress.ts"
import { HeavyRequests } from "../limits/HeavyRequests.ts"
import { LookupCaller } from "./LookupCaller.ts"
import * as Problems from "../Problems.ts"
import type { Principal } from "../../../domain/access/Principal.ts"
import type { SessionId } from "../../../domain/accounts/Session.ts"
import * as RequestSession from "./RequestSession.ts"
import * as RateLimitHeaders from "../headers/RateLimitHeaders.ts"
import * as Rejection from "../Rejection.ts"
import { ON_BEHALF_OF } from "./UserAccess.ts"

type Endpoint<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

interface HttpCredentials extends Credentials {
  readonly kind: "reads" | "writes"
  readonly isExport: boolean
  /** Stores the session of a user with the request, whose connection ends with it. */
  readonly onSession: (session: SessionId) => void
}

interface Options {
  readonly endpoint: HttpApiEndpoint.Top
  readonly group: HttpApiGroup.Top
}

/** Passes the credentials of the request, whose rate-limit status goes into the headers of the response. */
const withCredentials = <E, R>(
  name: string,
  endpoint: (credentials: HttpCredentials) => Endpoint<E, R>
): Endpoint<E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    endpoint({
      ...RequestCosts.of(name, request),
      authorization: NodeHttpServerRequest.toIncomingMessage(request).headers.authorization,
      address: ClientAddress.of(request),
      kind: request.method === "GET" || request.method === "HEAD" ? "reads" : "writes",
      reportRateLimit: (status) => RateLimitHeaders.setStatus(request.source, status),
      onSession: (session) => RequestSession.set(request.source, session)
    })
  )

const reject = ({ headers, problem }: Rejection.Rejection<Problem.Problem>) =>
  Problems.respond(problem, { headers })

const withCaller = <A, E, R>(
  endpoint: Effect.Effect<A, E, R>,
  identity: string,
  { address }: HttpCredentials
) => Effect.provideService(endpoint, LookupCaller, { identity, isAnonymous: identity === address })

const storeSession = ({ onSession }: HttpCredentials, principal: Principal) => {
  if (principal.kind === "user" || principal.kind === "administrator") onSession(principal.sessionId)
}

const nameOf = ({ endpoint, group }: Options) => `${group.identifier}.${endpoint.identifier}`

/** Bounds the concurrency of requests by their cost. */
const bound = Effect.map(
  HeavyRequests,
  ({ openExport, run }) =>
    <E, R>({ address, cost = 1, isExport }: HttpCredentials, endpoint: Endpoint<E, R>) => {
      if (isExport)
        return Effect.matchEffect(openExport(address), { onFailure: reject, onSuccess: () => endpoint })
      if (cost < RequestCosts.HEAVY_COST) return endpoint
      // The endpoint fails with its own errors, so the rejection becomes a response outside of it.
      return Effect.flatten(
        Effect.match(run(address)(Effect.exit(endpoint)), { onFailure: reject, onSuccess: (exit) => exit })
      )
    }
)

const optionalAuthentication = Effect.gen(function* () {
  const { authorizePublic, consumeAnonymousRead } = yield* AccessControl
  const bounded = yield* bound
  return <E, R>(endpoint: Endpoint<E, R>, options: Options) =>
    withCredentials(nameOf(options), (credentials) => {
      if (credentials.authorization === undefined && credentials.kind === "reads") {
        const exceeded = consumeAnonymousRead(credentials)
        return exceeded === undefined
          ? bounded(credentials, withCaller(endpoint, credentials.address, credentials))
          : reject(Rejection.rateLimited(exceeded))
      }
      return Effect.matchEffect(authorizePublic(credentials.kind, credentials, credentials.onSession), {
        onFailure: reject,
        onSuccess: (identity) => bounded(credentials, withCaller(endpoint, identity, credentials))
      })
    })
})

const noAuthentication = Effect.map(
  AccessControl,
  ({ authorizePublic }) =>
    <E, R>(endpoint: Endpoint<E, R>, options: Options) =>
      withCredentials(nameOf(options), (credentials) =>
        Effect.matchEffect(authorizePublic(credentials.kind, { ...credentials, authorization: undefined }), {
          onFailure: reject,
          onSuccess: () => endpoint
        })
      )
)

/** Provides the principal that a request is authorized as. */
const withPrincipal =
  (
    authorize: (credentials: HttpCredentials) => Effect.Effect<Principal, Rejection.Rejection>,
    bounded: Effect.Success<typeof bound>
  ) =>
  <E, R>(endpoint: Endpoint<E, R>, options: Options) =>
    withCredentials(nameOf(options), (credentials) =>
      Effect.matchEffect(authorize(credentials), {
        onFailure: reject,
        onSuccess: (principal) => {
          storeSession(credentials, principal)
          return bounded(credentials, Effect.provideService(endpoint, Caller, principal))
        }
      })
    )

const requireScope = (scope: Scope) =>
  Effect.gen(function* () {
    const { authorize } = yield* AccessControl
    return {
      bearer: withPrincipal((credentials) => authorize(scope, credentials.kind, credentials), yield* bound)
    }
  })

const requireAdministrator = Effect.gen(function* () {
  const { authorizeAdministrator } = yield* AccessControl
  return {
    administrator: withPrincipal(
      (credentials) => authorizeAdministrator(credentials.kind, credentials),
      yield* bound
    )
  }
})

/** Provides the user of the request. With `onlySession`, an API key cannot act for the user. */
const requireUser = (options: { readonly onlySession: boolean }) =>
  Effect.gen(function* () {
    const { authorizeUser } = yield* AccessControl
    const bounded = yield* bound
    const authorize = Effect.fnUntraced(function* (
      credentials: HttpCredentials,
      actsFor: string | undefined
    ) {
      const user = yield* authorizeUser(credentials.kind, credentials, actsFor)
      return options.onlySession && user.sessionId === undefined
        ? yield* Effect.fail(Rejection.forbidden("An API key cannot do this for a user"))
        : user
    })
    return {
      accessToken: <E, R>(endpoint: Endpoint<E, R>, request: Options) =>
        withCredentials(nameOf(request), (credentials) =>
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
            Effect.matchEffect(authorize(credentials, headers[ON_BEHALF_OF]), {
              onFailure: reject,
              onSuccess: (user) => {
                if (user.sessionId !== undefined) credentials.onSession(user.sessionId)
                return bounded(credentials, Effect.provideService(endpoint, CurrentUser, user))
              }
            })
          )
        )
    }
  })

/** Authorizes a public endpoint that opens a connection, and passes it the rate-limit identity of the client. */
export const authorizeConnection =
  ({ authorizePublic }: AccessControl["Service"]) =>
  <E, R>(endpoint: (identity: string) => Endpoint<E, R>) =>
    withCredentials("rates.socket", (credentials) =>
      Effect.matchEffect(authorizePublic("reads", credentials, credentials.onSession), {
        onFailure: reject,
        onSuccess: endpoint
      })
    )

/**
 * Authorizes an endpoint that opens a connection of a user. It receives undefined if the request has no token: browsers
 * cannot set headers of a WebSocket, so that it comes as a message.
 */
export const authorizeUserConnection =
  ({ authorizePublic, authorizeUser }: AccessControl["Service"]) =>
  <E, R>(endpoint: (user: CurrentUser["Service"] | undefined) => Endpoint<E, R>) =>
    withCredentials("userEvents.stream", (credentials) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
        if (!/^(bearer|efx_)/i.test(credentials.authorization ?? ""))
          return Effect.matchEffect(authorizePublic("reads", { ...credentials, cost: 1 }), {
            onFailure: reject,
            onSuccess: () => endpoint(undefined)
          })
        return Effect.matchEffect(authorizeUser("reads", credentials, headers[ON_BEHALF_OF]), {
          onFailure: reject,
          onSuccess: (user) => {
            if (user.sessionId !== undefined) credentials.onSession(user.sessionId)
            return endpoint(user)
          }
        })
      })
    )

/** Implements the middlewares of `HttpAuthorization`. */
export const layer = Layer.mergeAll(
  Layer.effect(NoAuthentication, noAuthentication),
  Layer.effect(OptionalAuthentication, optionalAuthentication),
  Layer.effect(FlutterwaveAuthentication, optionalAuthentication),
  Layer.effect(RequireConvertScope, requireScope("convert")),
  Layer.effect(RequireAuditScope, requireScope("audit:read")),
  Layer.effect(RequireAdminScope, requireScope("admin")),
  Layer.effect(RequireAdministrator, requireAdministrator),
  Layer.effect(RequireUser, requireUser({ onlySession: false })),
  Layer.effect(RequireSession, requireUser({ onlySession: true }))
)

import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Layer } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Caller } from "../../api/access/Caller.ts"
import {
  OptionalAuthentication,
  RequireAdminScope,
  RequireAuditScope,
  RequireConvertScope
} from "../../api/access/HttpAuthorization.ts"
import { FlutterwaveAuthentication } from "../../api/flutterwave/FlutterwaveApi.ts"
import type { Scope } from "../../domain/access/ApiKey.ts"
import { AccessControl, type Credentials } from "./AccessControl.ts"
import * as ClientAddress from "./ClientAddress.ts"
import * as Problems from "./Problems.ts"
import * as RateLimitHeaders from "./RateLimitHeaders.ts"
import * as Rejection from "./Rejection.ts"

type Endpoint<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

interface HttpCredentials extends Credentials {
  readonly kind: "reads" | "writes"
}

/** Passes the credentials of the request, whose rate-limit status goes into the headers of the response. */
const withCredentials = <E, R>(
  endpoint: (credentials: HttpCredentials) => Endpoint<E, R>
): Endpoint<E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    endpoint({
      authorization: NodeHttpServerRequest.toIncomingMessage(request).headers.authorization,
      address: ClientAddress.of(request),
      kind: request.method === "GET" || request.method === "HEAD" ? "reads" : "writes",
      reportRateLimit: (status) => RateLimitHeaders.setStatus(request.source, status)
    })
  )

const reject = ({ headers, problem }: Rejection.Rejection) => Problems.respond(problem, { headers })

const optionalAuthentication = Effect.map(
  AccessControl,
  ({ authorizePublic, consumeAnonymousRead }) =>
    <E, R>(endpoint: Endpoint<E, R>) =>
      withCredentials<E, R | HttpServerRequest.HttpServerRequest>((credentials) => {
        if (credentials.authorization === undefined && credentials.kind === "reads") {
          const exceeded = consumeAnonymousRead(credentials)
          return exceeded === undefined ? endpoint : reject(Rejection.rateLimited(exceeded))
        }
        return Effect.matchEffect(authorizePublic(credentials.kind, credentials), {
          onFailure: reject,
          onSuccess: () => endpoint
        })
      })
)

const requireScope = (scope: Scope) =>
  Effect.map(AccessControl, ({ authorize }) => ({
    bearer: <E, R>(endpoint: Endpoint<E, R>) =>
      withCredentials((credentials) =>
        Effect.matchEffect(authorize(scope, credentials.kind, credentials), {
          onFailure: reject,
          onSuccess: (principal) => Effect.provideService(endpoint, Caller, principal)
        })
      )
  }))

/** Authorizes a public endpoint that opens a connection, and passes it the rate-limit identity of the client. */
export const authorizeConnection =
  ({ authorizePublic }: AccessControl["Service"]) =>
  <E, R>(endpoint: (identity: string) => Endpoint<E, R>) =>
    withCredentials((credentials) =>
      Effect.matchEffect(authorizePublic("reads", credentials), { onFailure: reject, onSuccess: endpoint })
    )

/** Implements the middlewares of `HttpAuthorization`. */
export const layer = Layer.mergeAll(
  Layer.effect(OptionalAuthentication, optionalAuthentication),
  Layer.effect(FlutterwaveAuthentication, optionalAuthentication),
  Layer.effect(RequireConvertScope, requireScope("convert")),
  Layer.effect(RequireAuditScope, requireScope("audit:read")),
  Layer.effect(RequireAdminScope, requireScope("admin"))
)

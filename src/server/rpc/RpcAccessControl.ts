import { Effect, Layer } from "effect"
import { constVoid } from "effect/Function"
import type { Headers } from "effect/http"
import { Caller } from "../../api/access/Caller.ts"
import { RpcOptionalAuthentication, RpcRequireConvertScope } from "../../api/access/RpcAuthorization.ts"
import * as RequestCosts from "../http/RequestCosts.ts"
import * as RpcBackPressure from "./RpcBackPressure.ts"
import { AccessControl, type Credentials } from "../middleware/AccessControl.ts"
import { LookupCaller } from "../middleware/LookupCaller.ts"
import * as ClientAddress from "../middleware/ClientAddress.ts"

/** Credentials of a call. Its headers include those of the HTTP request, unless the call has its own. */
const credentialsOf = ({ headers }: { readonly headers: Headers.Headers }) =>
  Effect.map(ClientAddress.RpcClientAddress, (address): Credentials => ({
    authorization: headers["authorization"],
    address,
    // RPC responses have no rate-limit headers.
    reportRateLimit: constVoid
  }))

/** Implements the middlewares of `RpcAuthorization`. */
export const layer = Layer.mergeAll(
  Layer.effect(
    RpcOptionalAuthentication,
    Effect.map(AccessControl, ({ authorizePublic }) =>
      RpcOptionalAuthentication.of((call, options) =>
        Effect.flatMap(credentialsOf(options), (credentials) =>
          Effect.map(
            authorizePublic("reads", { ...credentials, cost: RequestCosts.ofMessage(options.rpc._tag) }),
            (identity) => ({
              identity,
              isAnonymous: identity === credentials.address
            })
          )
        ).pipe(
          Effect.mapError(({ problem }) => problem),
          Effect.flatMap((caller) => Effect.provideService(call, LookupCaller, caller))
        )
      )
    )
  ),
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

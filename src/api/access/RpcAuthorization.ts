import { Schema } from "effect"
import { RpcMiddleware } from "effect/rpc"
import * as Problem from "../Problem.ts"
import type { Caller } from "./Caller.ts"
import type { CurrentUser } from "./CurrentUser.ts"

/**
 * Public procedure: needs no API key, but rejects an invalid one. The key is in the `authorization` header of the RPC
 * message, because browsers cannot set headers of a WebSocket and a key in a URL ends up in logs. Without it, the header of
 * the HTTP request that carries the message applies.
 */
export class RpcOptionalAuthentication extends RpcMiddleware.Service<RpcOptionalAuthentication>()(
  "effex/api/access/RpcOptionalAuthentication",
  { error: Schema.Union([Problem.Unauthorized, Problem.RateLimited]) }
) {}

/** Requires the scope `convert`: conversions and quotes. */
export class RpcRequireConvertScope extends RpcMiddleware.Service<
  RpcRequireConvertScope,
  { provides: Caller }
>()("effex/api/access/RpcRequireConvertScope", {
  error: Schema.Union([
    Problem.Unauthorized,
    Problem.SessionEnded,
    Problem.Forbidden,
    Problem.RateLimited,
    Problem.StoreUnavailable
  ])
}) {}

/**
 * Requires a user who is signed in, or an API key with the scope `wallets` that acts for the user in the header
 * `effex-on-behalf-of`. The call ends with the session.
 */
export class RpcRequireUser extends RpcMiddleware.Service<RpcRequireUser, { provides: CurrentUser }>()(
  "effex/api/access/RpcRequireUser",
  {
    error: Schema.Union([
      Problem.Unauthorized,
      Problem.SessionEnded,
      Problem.Forbidden,
      Problem.RateLimited,
      Problem.StoreUnavailable
    ])
  }
) {}

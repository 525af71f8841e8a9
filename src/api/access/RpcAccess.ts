import { Context, Schema } from "effect"
import { RpcMiddleware } from "effect/rpc"
import type { Principal } from "../../domain/access/ApiKey.ts"
import * as Problem from "../Problem.ts"

/** Who asks: the holder of a key, or whoever shows none where none is needed. */
export class Caller extends Context.Service<Caller, Principal>()("effex/api/Caller") {}

/**
 * Open to everybody; a key that is shown must be in force all the same. It is in the `authorization` header of the call
 * itself, since a browser can set none on a WebSocket, and an address with a key in it ends in logs; else in that of the
 * request that carries the call.
 */
export class OpenCalls extends RpcMiddleware.Service<OpenCalls>()("effex/api/OpenCalls", {
  error: Schema.Union([Problem.Unauthorized, Problem.RateLimited])
}) {}

/** Lets those pass who may convert and quote: scope `convert`. */
export class ConversionCalls extends RpcMiddleware.Service<ConversionCalls, { provides: Caller }>()(
  "effex/api/ConversionCalls",
  {
    error: Schema.Union([
      Problem.Unauthorized,
      Problem.Forbidden,
      Problem.RateLimited,
      Problem.StoreUnavailable
    ])
  }
) {}

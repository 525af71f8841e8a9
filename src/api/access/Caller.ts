import { Context } from "effect"
import type { Principal } from "../../domain/access/Principal.ts"

/**
 * Sender of the current request, as the principal that its credentials resolved to. The middlewares of
 * `HttpAuthorization` and `RpcAuthorization` provide it to handlers.
 */
export class Caller extends Context.Service<Caller, Principal>()("effex/api/access/Caller") {}

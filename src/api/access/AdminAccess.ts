import { HttpApiMiddleware } from "effect/http-api"
import { keyed } from "./HttpAccess.ts"
import type { Caller } from "./RpcAccess.ts"

/** Lets those pass who may run the service: scope `admin`, with real providers in every case. */
export class AdminAccess extends HttpApiMiddleware.Service<AdminAccess, { provides: Caller }>()(
  "effex/api/access/AdminAccess",
  keyed
) {}

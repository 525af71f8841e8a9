import { HttpApiMiddleware } from "effect/http-api"
import { keyed } from "./Access.ts"
import type { Caller } from "./CallAccess.ts"

/** Lets those pass who may run the service: scope `admin`, with real providers in every case. */
export class AdminAccess extends HttpApiMiddleware.Service<AdminAccess, { provides: Caller }>()(
  "effex/api/AdminAccess",
  keyed
) {}

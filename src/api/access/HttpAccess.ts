import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import type { Caller } from "./RpcAccess.ts"
import * as Problem from "../Problem.ts"

const bearer = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotateMerge(
    OpenApi.annotations({
      description:
        "A key of `effex keys create`, as `Authorization: Bearer efx_…`. An instance with the sandbox, or with ALLOW_ANONYMOUS_CONVERT, asks for none where it says so; whoever shows one is held to its scopes."
    })
  )
)

/** What all have in common that ask for a scope. */
export const keyed = {
  security: { bearer },
  error: [Problem.Unauthorized, Problem.Forbidden, Problem.RateLimited, Problem.StoreUnavailable]
} as const

/** Open to everybody; a key that is shown must be in force all the same. */
export class OpenAccess extends HttpApiMiddleware.Service<OpenAccess>()("effex/api/OpenAccess", {
  error: [Problem.Unauthorized, Problem.RateLimited]
}) {}

/** Lets those pass who may convert and quote: scope `convert`. */
export class ConversionAccess extends HttpApiMiddleware.Service<ConversionAccess, { provides: Caller }>()(
  "effex/api/ConversionAccess",
  keyed
) {}

/** Lets those pass who may read the audit: scope `audit:read`. */
export class AuditAccess extends HttpApiMiddleware.Service<AuditAccess, { provides: Caller }>()(
  "effex/api/AuditAccess",
  keyed
) {}

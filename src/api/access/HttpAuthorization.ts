import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import * as Problem from "../Problem.ts"
import type { Caller } from "./Caller.ts"
import type { CurrentUser } from "./CurrentUser.ts"

const bearer = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotateMerge(
    OpenApi.annotations({
      description:
        "An API key from `effex keys create`, as `Authorization: Bearer efx_…`. It is optional on an instance with the sandbox, and for conversions with ALLOW_ANONYMOUS_CONVERT. If a request sends a key, the scopes of the key apply."
    })
  )
)

const administrator = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotateMerge(
    OpenApi.annotations({
      description:
        "An access token of an administrator, as `Authorization: Bearer ey…`, or an API key with the scope `admin`. It is required on every instance."
    })
  )
)

const requiresScope = {
  security: { bearer },
  error: [
    Problem.Unauthorized,
    Problem.SessionEnded,
    Problem.Forbidden,
    Problem.RateLimited,
    Problem.StoreUnavailable
  ]
} as const

/** Public endpoint: needs no API key, but rejects an invalid one. */
export class OptionalAuthentication extends HttpApiMiddleware.Service<OptionalAuthentication>()(
  "effex/api/access/OptionalAuthentication",
  { error: [Problem.Unauthorized, Problem.RateLimited] }
) {}

/** Needs no credentials, and ignores invalid ones. Counts the requests of an address. */
export class NoAuthentication extends HttpApiMiddleware.Service<NoAuthentication>()(
  "effex/api/access/NoAuthentication",
  { error: Problem.RateLimited }
) {}

/** Requires the scope `convert`: conversions and quotes. */
export class RequireConvertScope extends HttpApiMiddleware.Service<
  RequireConvertScope,
  { provides: Caller }
>()("effex/api/access/RequireConvertScope", requiresScope) {}

/** Requires the scope `audit:read`: audit records and receipts. */
export class RequireAuditScope extends HttpApiMiddleware.Service<RequireAuditScope, { provides: Caller }>()(
  "effex/api/access/RequireAuditScope",
  requiresScope
) {}

/**
 * Requires the scope `admin`: operation of the service. An access token of an administrator
 * has it too. Only the sandbox accepts requests without credentials.
 */
export class RequireAdminScope extends HttpApiMiddleware.Service<RequireAdminScope, { provides: Caller }>()(
  "effex/api/access/RequireAdminScope",
  requiresScope
) {}

/**
 * Requires an administrator: an access token of one, or an API key with the scope `admin`. Unlike {@link RequireAdminScope},
 * it never accepts requests without credentials, also not in the sandbox: users and their money need protection there too.
 */
export class RequireAdministrator extends HttpApiMiddleware.Service<
  RequireAdministrator,
  { provides: Caller }
>()("effex/api/access/RequireAdministrator", { ...requiresScope, security: { administrator } }) {}

const accessToken = HttpApiSecurity.bearer.pipe(
  HttpApiSecurity.annotateMerge(
    OpenApi.annotations({
      description:
        "An access token from `POST /api/v1/accounts/auth/login`, as `Authorization: Bearer ey…`. An API key with the scope `wallets` may act for a user, whose id is in the header `Effex-On-Behalf-Of`."
    })
  )
)

/** Requires a user who is signed in, or an API key with the scope `wallets` that acts for a user. */
export class RequireUser extends HttpApiMiddleware.Service<RequireUser, { provides: CurrentUser }>()(
  "effex/api/access/RequireUser",
  {
    security: { accessToken },
    error: [
      Problem.Unauthorized,
      Problem.SessionEnded,
      Problem.Forbidden,
      Problem.RateLimited,
      Problem.StoreUnavailable
    ]
  }
) {}

/** Requires a user who is signed in. API keys are refused: what belongs to the account itself is for its owner only. */
export class RequireSession extends HttpApiMiddleware.Service<RequireSession, { provides: CurrentUser }>()(
  "effex/api/access/RequireSession",
  {
    security: { accessToken },
    error: [
      Problem.Unauthorized,
      Problem.SessionEnded,
      Problem.Forbidden,
      Problem.RateLimited,
      Problem.StoreUnavailable
    ]
  }
) {}

import type { Scope } from "./ApiKey.ts"

/**
 * Identity that the credentials of a request resolved to: an API key, or {@link ANONYMOUS}. The audit stores its `id`.
 * `Caller` is the service that holds the principal of the current request.
 */
export interface Principal {
  /** The id of an API key, or `anonymous`. */
  readonly id: string
  readonly scopes: ReadonlyArray<Scope>
}

/** Principal of requests without an API key. */
export const ANONYMOUS: Principal = { id: "anonymous", scopes: [] }

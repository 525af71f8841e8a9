import { type DurationInput, requireKnown } from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { AdminRequests, ListOptions, Reason } from "./AdminRequests.ts"
import type { ApiKey, CreatedApiKey, KeyScope } from "./OperationValues.ts"

/** Properties of a new API key. */
export interface NewApiKey extends Reason {
  readonly name: string
  readonly scopes: ReadonlyArray<KeyScope>
  /** Time until the key expires, such as `"90 days"`. Without it, the key does not expire. */
  readonly lifetime?: DurationInput | undefined
}

/** Administration of API keys. Each action is recorded with its reason. */
export interface KeyCalls {
  /** Lists all keys, newest first, including expired and revoked ones. */
  list(options?: ListOptions): PagedList<ApiKey>
  /** Creates a key. Its secret is in this response only. Fails with the code `forbidden` for an API key. */
  create(key: NewApiKey, options?: CallOptions): Promise<CreatedApiKey>
  /** Revokes a key permanently. Every node rejects it within 10 seconds. */
  revoke(keyId: string, reason: Reason, options?: CallOptions): Promise<ApiKey>
}

/** Makes the calls that administer API keys. */
export const make = ({ action, list, send }: AdminRequests): KeyCalls => ({
  list: (options = {}) => list("keys.list", "/keys", options),
  create: async ({ lifetime, ...key }, options) => {
    requireKnown("keys.create", key, ["name", "scopes", "reason"])
    const body = {
      ...key,
      ...(lifetime === undefined
        ? {}
        : { lifetime: typeof lifetime === "number" ? `${lifetime} millis` : lifetime })
    }
    return send("keys.create", { path: "/keys", body, isUnsafe: true }, "key", options)
  },
  revoke: action("keys.revoke", (id) => `/keys/${id}/revoke`, ["reason"])
})

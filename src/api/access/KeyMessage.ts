import { Schema } from "effect"
import { ApiKeyId, ApiKeyMode, ApiKeyName, Scope } from "../../domain/access/ApiKey.ts"
import { TimestampText } from "../../domain/Timestamp.ts"
import { DurationFromText } from "../DurationFromText.ts"
import * as PageMessage from "../PageMessage.ts"
import { Reason } from "../Reason.ts"

/** An API key, without its secret. */
export const KeyMessage = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  /** The last four characters of the key. */
  ends_with: Schema.String,
  scopes: Schema.Array(Scope),
  /** `test` keys work with the sandbox only, `live` keys with real providers only. */
  mode: ApiKeyMode,
  created_at: TimestampText,
  /** Null: the key does not expire. */
  expires_at: Schema.NullOr(TimestampText),
  revoked_at: Schema.NullOr(TimestampText),
  /** Updated at most once per minute. Null before the first use. */
  last_used_at: Schema.NullOr(TimestampText)
}).annotate({ identifier: "ApiKey" })
export type KeyMessage = typeof KeyMessage.Type

/** A new API key. This is the only response that has the key itself. */
export const CreatedKeyMessage = Schema.Struct({
  ...KeyMessage.fields,
  key: Schema.String.annotate({ description: "The secret, such as `efx_live_…`. It cannot be read again" })
}).annotate({ identifier: "CreatedApiKey" })

export const KeyPage = Schema.Struct(PageMessage.page(KeyMessage)).annotate({ identifier: "ApiKeyPage" })

/** Properties of a new key, and why it is created. */
export const NewKeyBody = Schema.Struct({
  name: ApiKeyName,
  scopes: Schema.NonEmptyArray(Scope),
  /** Time until the key expires. Default: it does not expire. */
  lifetime: Schema.optionalKey(DurationFromText),
  reason: Reason
}).annotate({ identifier: "NewApiKey" })

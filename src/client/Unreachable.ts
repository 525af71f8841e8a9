import { Schema } from "effect"

/** The server did not respond: it could not be reached, or the connection was lost during the request. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  /** Error code, like that of every API problem. */
  code: Schema.tag("unreachable"),
  /** Always 0, because there was no response. */
  status: Schema.tag(0),
  detail: Schema.String,
  /** True if the request was sent, so that the server may have processed it. */
  sent: Schema.Boolean,
  /** True if it is safe to retry the same request. */
  retryable: Schema.Boolean,
  /** Key of a conversion. Repeat the conversion with this key: it happens once. */
  idempotencyKey: Schema.optionalKey(Schema.String),
  /** Identifies the request in the server's log. */
  traceId: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

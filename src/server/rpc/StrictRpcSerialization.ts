import { Layer, Option, Result, Schema } from "effect"
import { RpcSerialization } from "effect/rpc"

const optional = Schema.optionalKey
const Id = Schema.Union([Schema.String, Schema.Finite])

/** Messages that an RPC client can send, without trace fields. */
const ClientMessage = Schema.Union([
  Schema.TaggedStruct("Request", {
    id: Id,
    tag: Schema.String,
    payload: optional(Schema.Unknown),
    headers: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
    isNotification: optional(Schema.Literal(true)),
    discard: optional(Schema.Literal(true))
  }),
  Schema.Struct({ _tag: Schema.Literals(["Ack", "Interrupt"]), requestId: Id }),
  Schema.Struct({ _tag: Schema.Literals(["Eof", "Ping"]) })
])
const decodeMessage = Schema.decodeUnknownOption(ClientMessage)

/** Trace fields of a request, in the formats of W3C Trace Context. */
const Trace = Schema.Struct({
  traceId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)),
  spanId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)),
  sampled: Schema.Boolean
})
const decodeTrace = Schema.decodeUnknownOption(Trace)

/** Rejects values that are not a message, such as `null`, which would crash Effect's server. Drops an invalid trace. */
const validate = (message: unknown) => {
  const valid = Option.getOrThrowWith(
    decodeMessage(message),
    () => new Error("The message is not an effect/rpc message")
  )
  const trace = valid._tag === "Request" ? Option.getOrUndefined(decodeTrace(message)) : undefined
  return { ...valid, ...trace }
}

/** Replaces the error of the JSON parser, which does not help the client. */
const parse = (decode: () => ReadonlyArray<unknown>) =>
  Result.getOrThrowWith(Result.try(decode), () => new Error("The message is not valid JSON"))

const strict = (serialization: RpcSerialization.RpcSerialization["Service"]) =>
  Layer.succeed(
    RpcSerialization.RpcSerialization,
    RpcSerialization.RpcSerialization.of({
      ...serialization,
      makeUnsafe: () => {
        const { decode, encode } = serialization.makeUnsafe()
        return { encode, decode: (data) => parse(() => decode(data)).map(validate) }
      }
    })
  )

export const layerJson = strict(RpcSerialization.json)
export const layerNdjson = strict(RpcSerialization.ndjson)

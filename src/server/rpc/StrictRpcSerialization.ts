import { Layer, Option, Result, Schema } from "effect"
import { RpcSerialization } from "effect/rpc"

const optional = Schema.optionalKey
const Id = Schema.Union([Schema.String, Schema.Finite])

/** What a client of RPC may say, apart from a trace. */
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

/** The trace that a request belongs to, as W3C's Trace Context has it. */
const Trace = Schema.Struct({
  traceId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)),
  spanId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)),
  sampled: Schema.Boolean
})
const decodeTrace = Schema.decodeUnknownOption(Trace)

/** A message that is none, such as `null`, would be an unforeseen failure of the server; a broken trace is left out. */
const read = (message: unknown) => {
  const known = Option.getOrThrowWith(
    decodeMessage(message),
    () => new Error("It is no message of effect/rpc")
  )
  const trace = known._tag === "Request" ? Option.getOrUndefined(decodeTrace(message)) : undefined
  return { ...known, ...trace }
}

/** What a parser says of a text that is no JSON is of no use to whoever sent it. */
const parse = (decode: () => ReadonlyArray<unknown>) =>
  Result.getOrThrowWith(Result.try(decode), () => new Error("It is no JSON"))

const strict = (serialization: RpcSerialization.RpcSerialization["Service"]) =>
  Layer.succeed(
    RpcSerialization.RpcSerialization,
    RpcSerialization.RpcSerialization.of({
      ...serialization,
      makeUnsafe: () => {
        const { decode, encode } = serialization.makeUnsafe()
        return { encode, decode: (data) => parse(() => decode(data)).map(read) }
      }
    })
  )

export const layerJson = strict(RpcSerialization.json)
export const layerNdjson = strict(RpcSerialization.ndjson)

import { Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import { InvalidRequest, type Problem } from "../../api/Problem.ts"

const Pairs = Schema.Array(Schema.String).check(Schema.isMinLength(1))

/** What a client may say on the WebSocket, by its type. */
const messages = {
  get_all_rates: Schema.Struct({ type: Schema.Literal("get_all_rates") }),
  get_rate: Schema.Struct({
    type: Schema.Literal("get_rate"),
    source_currency: Schema.String,
    destination_currency: Schema.String
  }),
  subscribe: Schema.Struct({ type: Schema.Literal("subscribe"), pairs: Pairs }),
  unsubscribe: Schema.Struct({ type: Schema.Literal("unsubscribe"), pairs: Pairs }),
  ping: Schema.Struct({ type: Schema.Literal("ping") })
}

const ClientMessage = Schema.Union(Object.values(messages))
/** A message of a client. */
export type ClientMessage = typeof ClientMessage.Type

const TYPES = Object.keys(messages).join(", ")
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Reads a message, or says what is wrong with it. */
export const read = (frame: string | Uint8Array): Effect.Effect<ClientMessage, InvalidRequest> => {
  if (typeof frame !== "string") return refuse("Messages are text, not binary")
  const json = Option.getOrUndefined(decodeJson(frame))
  if (!Predicate.isObject(json)) return refuse("A message is a JSON object")
  const type = Predicate.hasProperty(json, "type") ? json.type : undefined
  if (!isType(type)) return refuse(`"type" must be one of ${TYPES}`)
  return Schema.decodeUnknownEffect(messages[type])(json).pipe(
    Effect.catch(({ issue }) => {
      const faults = formatIssue(issue).issues.map(
        ({ message, path = [] }) => `${path.map(String).join(".")}: ${message}`
      )
      return refuse(faults.join("; ").slice(0, 500))
    })
  )
}

const isType = (type: unknown): type is keyof typeof messages =>
  Predicate.isString(type) && Object.hasOwn(messages, type)

const refuse = (detail: string) => Effect.fail(new InvalidRequest({ detail }))

/** What is told of a message that could not be answered. */
export const ofProblem = ({ code, detail, errors, retryable, title }: Problem): string =>
  JSON.stringify({ type: "error", code, title, detail, errors, retryable })

import { Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import { InvalidRequest, type Problem } from "../../api/Problem.ts"

const Pairs = Schema.Array(Schema.String).check(Schema.isMinLength(1))

/** Schemas of client messages by their `type`. */
const schemas = {
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

const ClientMessage = Schema.Union(Object.values(schemas))
export type ClientMessage = typeof ClientMessage.Type

const TYPES = Object.keys(schemas).join(", ")
const MAX_DETAIL_LENGTH = 500
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Decodes a client message. */
export const decode = (message: string | Uint8Array): Effect.Effect<ClientMessage, InvalidRequest> => {
  if (typeof message !== "string") return invalid("The message is binary; send text")
  const json = Option.getOrUndefined(decodeJson(message))
  if (!Predicate.isObject(json)) return invalid("The message is not a JSON object")
  const type = Predicate.hasProperty(json, "type") ? json.type : undefined
  if (!isType(type)) return invalid(`"type" must be one of ${TYPES}`)
  return Schema.decodeUnknownEffect(schemas[type])(json).pipe(
    Effect.catch(({ issue }) => {
      const errors = formatIssue(issue).issues.map(
        ({ message, path = [] }) => `${path.map(String).join(".")}: ${message}`
      )
      return invalid(errors.join("; ").slice(0, MAX_DETAIL_LENGTH))
    })
  )
}

const isType = (type: unknown): type is keyof typeof schemas =>
  Predicate.isString(type) && Object.hasOwn(schemas, type)

const invalid = (detail: string) => Effect.fail(new InvalidRequest({ detail }))

/** Encodes a problem as a message of type `error`. */
export const encodeProblem = ({ code, detail, errors, retryable, title }: Problem): string =>
  JSON.stringify({ type: "error", code, title, detail, errors, retryable })

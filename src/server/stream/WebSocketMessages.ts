import { Effect, Option, Predicate, Schema, SchemaIssue } from "effect"
import { InvalidRequest, type Problem, RateLimited } from "../../api/Problem.ts"
import { POLICY_VIOLATION, TRY_AGAIN_LATER, type WebSocket } from "./WebSocket.ts"

const MAX_DETAIL_LENGTH = 500
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Creates a decoder of client messages from their schemas by `type`. */
export const decoderOf = <A extends { readonly type: string }>(schemas: {
  readonly [Type in A["type"]]: Schema.Codec<Extract<A, { readonly type: Type }>, unknown>
}) => {
  const byType = new Map<unknown, Schema.Codec<A, unknown>>(Object.entries(schemas))
  const types = Array.from(byType.keys()).join(", ")

  return (message: string | Uint8Array): Effect.Effect<A, InvalidRequest> => {
    if (typeof message !== "string") return invalid("The message is binary; send text")
    const json = Option.getOrUndefined(decodeJson(message))
    if (!Predicate.isObject(json)) return invalid("The message is not a JSON object")
    const schema = byType.get(Predicate.hasProperty(json, "type") ? json.type : undefined)
    if (schema === undefined) return invalid(`"type" must be one of ${types}`)
    return Schema.decodeEffect(schema)(json).pipe(
      Effect.catch(({ issue }) => {
        const errors = formatIssue(issue).issues.map(
          ({ message, path = [] }) => `${path.map(String).join(".")}: ${message}`
        )
        return invalid(errors.join("; ").slice(0, MAX_DETAIL_LENGTH))
      })
    )
  }
}

const invalid = (detail: string) => Effect.fail(new InvalidRequest({ detail }))

/** Encodes a problem as a message of type `error`, with the trace id of its connection. */
export const encodeProblem = (
  { traceId }: WebSocket,
  { code, detail, errors, retryable, title }: Problem
): string => JSON.stringify({ type: "error", code, title, detail, errors, retryable, trace_id: traceId })

/** Sends a problem, and closes the connection. */
export const reject = (webSocket: WebSocket, problem: Problem): void => {
  webSocket.send(encodeProblem(webSocket, problem))
  webSocket.close(problem instanceof RateLimited ? TRY_AGAIN_LATER : POLICY_VIOLATION, problem.title)
}

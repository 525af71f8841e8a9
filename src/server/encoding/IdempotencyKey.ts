import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Effect, Result } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { IncomingMessage } from "node:http"
import type * as Problem from "../../api/Problem.ts"
import { IDEMPOTENCY_KEY_FORMAT, isIdempotencyKey } from "../../domain/conversion/IdempotencyKey.ts"
import * as Problems from "../middleware/Problems.ts"

/** Validates an idempotency key. Undefined without one. */
export const parse = (key: string | undefined): Result.Result<string | undefined, Problem.InvalidRequest> =>
  key === undefined || isIdempotencyKey(key)
    ? Result.succeed(key)
    : Result.fail(Problems.invalid("/headers/idempotency-key", `must be ${IDEMPOTENCY_KEY_FORMAT}`))

/** Validates the `Idempotency-Key` header of a request of Node. */
export const ofIncoming = ({
  headers,
  rawHeaders
}: Pick<IncomingMessage, "headers" | "rawHeaders">): ReturnType<typeof parse> => {
  const { "idempotency-key": joined } = headers
  const key = typeof joined === "object" ? joined.join(",") : joined
  // Node joins repeated headers with a comma, which is also a valid character of a key.
  return key?.includes(",") === true && rawHeaders.filter(isKeyName).length > 1
    ? Result.fail(Problems.invalid("/headers/idempotency-key", "must be given once"))
    : parse(key)
}

/** Validates the `Idempotency-Key` header of a request. */
export const ofRequest = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.fromResult(ofIncoming(NodeHttpServerRequest.toIncomingMessage(request)))

/** `rawHeaders` alternates names and values. */
const isKeyName = (text: string, index: number) => index % 2 === 0 && text.toLowerCase() === "idempotency-key"

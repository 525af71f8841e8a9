import { Effect } from "effect"
import { ProblemDetails } from "effect/http"
import type { IncomingMessage, ServerResponse } from "node:http"
import type * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import type { RequestId } from "../../platform/RequestId.ts"
import { NodeServer } from "../node/NodeServer.ts"
import * as Cors from "../middleware/Cors.ts"
import * as Problems from "../middleware/Problems.ts"
import * as SecurityHeaders from "../middleware/SecurityHeaders.ts"
import * as ResponseHead from "../node/ResponseHead.ts"

type Headers = Readonly<Record<string, string>>

/**
 * What can be answered in front of the router, in a fraction of the time that it takes: requests of which nothing but
 * what they ask for changes the answer. Whatever takes a closer look is left to the router as it came.
 */
export const make = Effect.gen(function* () {
  const { server } = yield* NodeServer
  const { corsOrigins, trustedProxies } = yield* Settings
  const told = Cors.told(corsOrigins)
  const plainly = told(undefined)
  const everywhere: Headers = { ...SecurityHeaders.HEADERS, ...plainly }
  const kept = ResponseHead.linesOf({
    connection: "keep-alive",
    "keep-alive": `timeout=${server.keepAliveTimeout / 1000}`
  })

  /** Whether a request comes from nowhere special, has no more than a head, or says how long its body is, and is kept. */
  const isPlain = ({ headers }: IncomingMessage, response: ServerResponse) =>
    headers.host !== undefined &&
    headers["transfer-encoding"] === undefined &&
    headers.expect === undefined &&
    (headers["x-forwarded-for"] === undefined || trustedProxies.length === 0) &&
    told(headers.origin) === plainly &&
    response.shouldKeepAlive

  /** What the head of an answer with such headers begins with, whatever else is said in it. */
  const headOf = (headers: Headers) =>
    `HTTP/1.1 200 OK\r\n${ResponseHead.linesOf({ "content-type": "application/json", ...headers, ...everywhere })}${kept}`

  /** Answers on a connection that is not kept any more, which a head that is ready does not say. */
  const write = (response: ServerResponse, headers: Headers, text: string) => {
    response.writeHead(200, { "content-type": "application/json", ...headers, ...everywhere }).end(text)
  }

  /** Tells a problem at a path, with what else has to be said of it. */
  const refuse = (
    response: ServerResponse,
    problem: Problem.Problem,
    path: string,
    { name, traceId }: RequestId,
    headers: Headers
  ) => {
    const text = Problems.textOf(problem, path, problem.trace_id ?? traceId)
    response
      .writeHead(problem.status, {
        "content-type": ProblemDetails.contentType,
        "content-length": String(Buffer.byteLength(text)),
        ...Problems.headersOf(problem),
        ...headers,
        ...everywhere,
        "x-request-id": name
      })
      .end(text)
  }

  return { isPlain, headOf, refuse, write }
})

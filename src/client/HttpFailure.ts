import { Effect, Inspectable, Option, Schema } from "effect"
import * as Problem from "../api/Problem.ts"
import { EffexError } from "./promise/EffexError.ts"
import { Unreachable } from "./Unreachable.ts"

/** Errors of calls over HTTP. `Unreachable` also stands for a response that is not one of an effex server. */
export type HttpFailure = Problem.Problem | Unreachable

const decodeProblem = Schema.decodeUnknownOption(Problem.Problem)

/** Statuses of problems that the client reports itself. */
const LOCAL_STATUS: Readonly<Record<string, number>> = { "session-ended": 401 }

/** Returns the problem that the server reported, or `Unreachable`. */
export const fromPromise = (error: unknown): HttpFailure => {
  if (!(error instanceof EffexError)) throw error
  const { code, detail, errors, idempotencyKey, retryable, sent, status, traceId } = error
  if (code === "invalid-option") return new Problem.InvalidRequest({ detail })
  const trace = traceId === undefined ? {} : { trace_id: traceId }
  const problem = decodeProblem({
    ...EffexError.problemOf(error),
    type: `urn:effex:problem:${code}`,
    title: detail,
    status: status === 0 ? LOCAL_STATUS[code] : status,
    detail,
    code,
    retryable,
    errors,
    ...trace
  })
  return Option.getOrElse(Option.map(problem, hideToken), () => {
    const key = idempotencyKey === undefined ? {} : { idempotencyKey }
    return new Unreachable({
      detail,
      sent,
      retryable,
      ...key,
      ...(traceId === undefined ? {} : { traceId }),
      cause: error
    })
  })
}

/** Keeps the token of a problem out of logs. */
const hideToken = (problem: Problem.Problem) => {
  if (problem.code !== "mfa-required") return problem
  const { mfa_token: _, ...shown } = problem
  const show = { value: () => shown }
  return Object.defineProperties(problem, { toJSON: show, [Inspectable.NodeInspectSymbol]: show })
}

/** Fails with the error of a response that is not one of an effex server. */
export const invalidResponse = (url: string, cause: unknown) => {
  const detail = `${url} sent an invalid response; check that it is an effex server of a compatible version`
  return Effect.andThen(Effect.logDebug(detail, cause), Effect.fail(new Problem.Internal({ detail })))
}

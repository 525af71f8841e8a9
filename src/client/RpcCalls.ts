import { Duration, Effect, Schema } from "effect"
import { RpcClientError } from "effect/rpc"
import * as Problem from "../api/Problem.ts"
import { ClientRpcs } from "./ClientRpcs.ts"
import type { Connection, ConnectionOptions } from "./Connection.ts"
import { Unreachable } from "./Unreachable.ts"

/** Makes a function that sends calls. A call returns a response, fails with a problem, or fails with `Unreachable`. */
export const make = (
  { connected }: Connection["Service"],
  { connectTimeout = "10 seconds", url }: ConnectionOptions
) => {
  const ready = connected.pipe(
    Effect.timeoutOrElse({
      duration: connectTimeout,
      orElse: () =>
        Effect.fail(
          new Unreachable({
            detail: `Could not connect to ${url}; check the URL and that the server is running`,
            sent: false,
            retryable: true
          })
        )
    })
  )

  /** Retries an idempotent call once if the connection was lost. */
  return <A, E>(send: Effect.Effect<A, E | RpcClientError.RpcClientError>, isIdempotent: boolean) => {
    const attempt = ready.pipe(
      Effect.andThen(send),
      Effect.mapError((error) =>
        isConnectionError(error) ? connectionLost(url, isIdempotent, error) : error
      )
    )
    const isLost = (error: unknown) => error instanceof Unreachable && error.sent
    return attempt.pipe(
      Effect.catchIf(
        (error) => isIdempotent && isLost(error),
        (lost) =>
          // The first attempt was sent, even if the second one was not.
          Effect.mapError(attempt, (error) => (error instanceof Unreachable ? lost : error))
      ),
      Effect.catchDefect((cause) => {
        const detail = `${url} sent an invalid response; check that it is an effex server of a compatible version`
        return Effect.andThen(Effect.logDebug(detail, cause), Effect.fail(new Problem.Internal({ detail })))
      })
    )
  }
}

export const isConnectionError = (error: unknown): error is RpcClientError.RpcClientError =>
  error instanceof RpcClientError.RpcClientError

const connectionLost = (url: string, retryable: boolean, cause: unknown) =>
  new Unreachable({
    detail: `${url} did not respond: the connection failed or was lost during the request`,
    sent: true,
    retryable,
    cause
  })

/** Validates a payload against the RPC schema before it is sent. */
export const validate = Effect.fnUntraced(function* (tag: string, payload: unknown) {
  const schema = ClientRpcs.requests.get(tag)?.payloadSchema
  if (schema === undefined) return
  yield* Schema.decodeUnknownEffect(Schema.toType<Schema.Top>(schema))(payload).pipe(
    Effect.mapError(({ message }) => new Problem.InvalidRequest({ detail: message }))
  )
})

/** Parses an optional duration in any form that Effect accepts. */
export const parseDuration = (name: string, input: Duration.Input | undefined) =>
  input === undefined
    ? Effect.undefined
    : Effect.mapError(
        Effect.fromOption(Duration.fromInput(input)),
        () => new Problem.InvalidRequest({ detail: `${name} must be a duration such as "30 seconds"` })
      )

import { Duration, Effect, Schema } from "effect"
import { RpcClientError } from "effect/rpc"
import * as Problem from "../api/Problem.ts"
import { RatesRpcs } from "../api/rates/RatesRpcs.ts"
import type { Connection, ConnectionOptions } from "./Connection.ts"
import { Unreachable } from "./Unreachable.ts"

/** Makes calls that end: with an answer, with a refusal, or with {@link Unreachable}. */
export const make = (
  { connected }: Connection["Service"],
  { connectTimeout = "10 seconds", url }: ConnectionOptions
) => {
  const ready = connected.pipe(
    Effect.timeoutOrElse({
      duration: connectTimeout,
      orElse: () =>
        Effect.fail(new Unreachable({ detail: `${url} cannot be reached`, sent: false, retryable: true }))
    })
  )

  /** Only what can be done twice without harm is sent again, once, when the connection was lost on the way. */
  return <A, E>(send: Effect.Effect<A, E | RpcClientError.RpcClientError>, isRepeatable: boolean) =>
    ready.pipe(
      Effect.andThen(send),
      Effect.mapError((error) => (isLost(error) ? lost(url, isRepeatable, error) : error)),
      Effect.retry({
        times: 1,
        while: (error) => isRepeatable && error instanceof Unreachable && error.sent
      }),
      Effect.catchDefect((cause) =>
        Effect.andThen(
          Effect.logDebug(`The answer of ${url} cannot be understood`, cause),
          Effect.fail(new Problem.Internal({ detail: `The answer of ${url} cannot be understood` }))
        )
      )
    )
}

const isLost = (error: unknown): error is RpcClientError.RpcClientError =>
  error instanceof RpcClientError.RpcClientError

const lost = (url: string, retryable: boolean, cause: unknown) =>
  new Unreachable({
    detail: `${url} did not answer: the connection failed, or was lost on the way`,
    sent: true,
    retryable,
    cause
  })

/** Refuses what the contract does not allow before it is sent. */
export const check = Effect.fnUntraced(function* (tag: string, payload: unknown) {
  const schema = RatesRpcs.requests.get(tag)?.payloadSchema
  if (schema === undefined) return
  yield* Schema.decodeUnknownEffect(Schema.toType<Schema.Top>(schema))(payload).pipe(
    Effect.mapError(({ message }) => new Problem.InvalidRequest({ detail: message }))
  )
})

/** A duration that was given in any way that Effect reads. */
export const durationOf = (name: string, given: Duration.Input | undefined) =>
  given === undefined
    ? Effect.undefined
    : Effect.mapError(
        Effect.fromOption(Duration.fromInput(given)),
        () => new Problem.InvalidRequest({ detail: `${name} must be a duration` })
      )

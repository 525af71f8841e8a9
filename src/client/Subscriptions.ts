import { Cause, Effect, Result, Schedule, Schema, Stream } from "effect"
import type { RpcClientError } from "effect/rpc"
import type { Problem } from "../api/Problem.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import * as StreamPosition from "../domain/rates/StreamPosition.ts"
import * as Backoff from "./Backoff.ts"
import * as RpcCalls from "./RpcCalls.ts"
import type { Connection } from "./Connection.ts"

/** A stream ended, and can be begun again. */
class Lost extends Schema.TaggedError<Lost>()("Lost", { cause: Schema.Defect() }) {}

/** What is left of the refusals once those that pass are waited out. */
export type Final<E> = Exclude<E, { readonly retryable: true }>

/**
 * A stream that begins again whenever it ends: because the connection was lost, the server stopped, or it said that it
 * can be asked later. Only a refusal that would come again fails it.
 */
export const forever = <A, E extends Problem>(
  { connected, isClosed }: Connection["Service"],
  subscribe: () => Stream.Stream<A, E | RpcClientError.RpcClientError>
): Stream.Stream<A, Final<E>> =>
  Stream.unwrap(Effect.as(connected, Stream.suspend(subscribe))).pipe(
    Stream.concat(Stream.fail(new Lost({ cause: "The server ended the stream" }))),
    Stream.catchCause((cause): Stream.Stream<never, Final<E> | Lost> => {
      const error = Cause.findError(cause)
      if (Result.isSuccess(error) && isFinal(error.success)) return Stream.fail(error.success)
      if (isClosed()) return Stream.fromEffect(Effect.interrupt)
      return Stream.fromEffect(Effect.logDebug("A stream was lost, and begins again", cause)).pipe(
        Stream.drain,
        Stream.concat(Stream.fail(new Lost({ cause: Cause.squash(cause) })))
      )
    }),
    Stream.retry(($) => $(Backoff.schedule).pipe(Schedule.while(({ input }) => input instanceof Lost))),
    // Without end, the schedule lets none of them through.
    Stream.catch((error) => (error instanceof Lost ? Stream.die(error) : Stream.fail(error)))
  )

const isFinal = <E extends Problem>(error: E | RpcClientError.RpcClientError | Lost): error is Final<E> =>
  "retryable" in error && !error.retryable

/** Which changes of rates to tell. */
export interface WatchOptions {
  /** Such as `USD:NGN`; all pairs where there are none. */
  readonly pairs?: ReadonlyArray<string> | undefined
  /** A position `<epoch>-<sequence>` that was told with an event: what came after it is told first. */
  readonly since?: string | undefined
}

/** The changes of rates, resumed after each interruption where they were left. */
export const events = (connection: Connection["Service"], { pairs, since }: WatchOptions) =>
  Stream.suspend(() => {
    let position = since
    const payload = () => ({
      ...(pairs === undefined ? {} : { pairs }),
      ...(position === undefined ? {} : { since: position })
    })
    const watched = forever(connection, () => connection.rpcs.WatchRates(payload())).pipe(
      Stream.map((event) => {
        // What a gap left out comes with the snapshot behind it, and only then is the reader so far.
        if (event._tag !== "Gap") position = StreamPosition.format(event)
        return event
      })
    )
    return Stream.unwrap(Effect.as(RpcCalls.check("WatchRates", payload()), watched))
  })

/** Each rate once: those that are known first, and then each one that changes. */
export const ratesOf = <E>(events: Stream.Stream<RateEventMessage, E>) =>
  Stream.suspend(() => {
    const told = new Map<string, RateMessage>()
    const isNew = (rate: RateMessage) => {
      const key = `${rate.from}:${rate.to}`
      const before = told.get(key)
      told.set(key, rate)
      return before?.rateId !== rate.rateId || before.stale !== rate.stale
    }
    return events.pipe(Stream.map(ratesIn), Stream.flattenIterable, Stream.filter(isNew))
  })

const ratesIn = (event: RateEventMessage): ReadonlyArray<RateMessage> => {
  switch (event._tag) {
    case "Snapshot":
      return event.rates
    case "RateChanged":
      return [event.rate]
    case "Gap":
      return []
  }
}

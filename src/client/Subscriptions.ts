import { Cause, Effect, Result, Schedule, Schema, Stream } from "effect"
import type { RpcClientError } from "effect/rpc"
import type { Problem } from "../api/Problem.ts"
import type { RateEventMessage } from "../api/rates/RateEventMessage.ts"
import type { RateMessage } from "../api/rates/RateMessage.ts"
import * as AssetPair from "../domain/money/AssetPair.ts"
import * as StreamPosition from "../domain/rates/StreamPosition.ts"
import * as Backoff from "./Backoff.ts"
import * as RpcCalls from "./RpcCalls.ts"
import type { Connection } from "./Connection.ts"

/** The subscription ended and can be renewed. */
class SubscriptionLost extends Schema.TaggedError<SubscriptionLost>()("SubscriptionLost", {
  cause: Schema.Defect()
}) {}

/** The errors that are not retryable. */
export type FinalError<E> = Exclude<E, { readonly retryable: true }>

/**
 * Subscribes to a stream, and resubscribes with backoff whenever it ends: after a lost connection, a server shutdown or
 * a retryable error. Fails only with errors that are not retryable.
 */
export const resubscribe = <A, E extends Problem>(
  { connected, isClosed }: Connection["Service"],
  subscribe: () => Stream.Stream<A, E | RpcClientError.RpcClientError>
): Stream.Stream<A, FinalError<E>> =>
  Stream.unwrap(Effect.as(connected, Stream.suspend(subscribe))).pipe(
    Stream.concat(Stream.fail(new SubscriptionLost({ cause: "The server ended the stream" }))),
    Stream.catchCause((cause): Stream.Stream<never, FinalError<E> | SubscriptionLost> => {
      const error = Cause.findError(cause)
      if (Result.isSuccess(error) && isFinal(error.success)) return Stream.fail(error.success)
      if (isClosed()) return Stream.fromEffect(Effect.interrupt)
      return Stream.fromEffect(Effect.logDebug("Subscription lost; resubscribing", cause)).pipe(
        Stream.drain,
        Stream.concat(Stream.fail(new SubscriptionLost({ cause: Cause.squash(cause) })))
      )
    }),
    Stream.retry(($) =>
      $(Backoff.schedule).pipe(Schedule.while(({ input }) => input instanceof SubscriptionLost))
    ),
    // Unreachable, because the schedule never ends.
    Stream.catch((error) => (error instanceof SubscriptionLost ? Stream.die(error) : Stream.fail(error)))
  )

const isFinal = <E extends Problem>(
  error: E | RpcClientError.RpcClientError | SubscriptionLost
): error is FinalError<E> => "retryable" in error && !error.retryable

/** Options of a rate stream. */
export interface WatchOptions {
  /** The pairs, such as `USD:NGN`. Default: all. */
  readonly pairs?: ReadonlyArray<string> | undefined
  /** Resumes after this stream position (`<epoch>-<sequence>`), as received with an event. */
  readonly since?: string | undefined
}

/** Emits rate events, and resumes at the last position after an interruption. */
export const watchEvents = (connection: Connection["Service"], { pairs, since }: WatchOptions) =>
  Stream.suspend(() => {
    let position = since
    const payload = () => ({
      ...(pairs === undefined ? {} : { pairs }),
      ...(position === undefined ? {} : { since: position })
    })
    const events = resubscribe(connection, () => connection.rpcs.WatchRates(payload())).pipe(
      Stream.map((event) => {
        // A gap does not advance the position: its changes are only covered by the snapshot after it.
        if (event._tag !== "Gap") position = StreamPosition.format(event)
        return event
      })
    )
    return Stream.unwrap(Effect.as(RpcCalls.validate("WatchRates", payload()), events))
  })

/** Converts events to rates and drops repeated ones, as in a snapshot after a reconnect. */
export const distinctRates = <E>(events: Stream.Stream<RateEventMessage, E>) =>
  Stream.suspend(() => {
    const latest = new Map<string, RateMessage>()
    const isNew = (rate: RateMessage) => {
      const key = AssetPair.keyOf(rate.from, rate.to)
      const previous = latest.get(key)
      latest.set(key, rate)
      return previous?.rateId !== rate.rateId || previous.stale !== rate.stale
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

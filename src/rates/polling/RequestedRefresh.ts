import { Context, Effect, Layer, Option } from "effect"
import { Settings } from "../../config/Settings.ts"
import { RateIngest } from "../RateIngest.ts"
import { RequestedPairs } from "./RequestedPairs.ts"

/** Concurrent refreshes. More would only wait for the provider's request spacing. */
const CONCURRENCY = 2

/** Refreshes pairs that are not polled, because they were asked for. */
export class RequestedRefresh extends Context.Service<
  RequestedRefresh,
  {
    /**
     * Refreshes at most `POLL_REQUESTED` pairs that were asked for in the last hour, and logs the result. Runs after a poll
     * and is not part of it: its provider calls wait for all others. Never fails.
     */
    readonly run: Effect.Effect<void>
  }
>()("effex/rates/polling/RequestedRefresh") {
  static readonly layer = Layer.effect(
    RequestedRefresh,
    Effect.gen(function* () {
      const { pollRequested } = yield* Settings
      const ingest = yield* RateIngest
      const requested = yield* RequestedPairs

      const run = Effect.gen(function* () {
        if (pollRequested === 0) return
        const pairs = yield* requested.recent(pollRequested)
        if (pairs.length === 0) return
        const failures = yield* Effect.forEach(
          pairs,
          (pair) =>
            Effect.match(ingest.fetchForPoll(pair, Option.none()), {
              onFailure: ({ message }) => [message],
              onSuccess: () => []
            }),
          { concurrency: CONCURRENCY }
        )
        const [first, ...others] = failures.flat()
        const refreshed = pairs.length - failures.flat().length
        yield* Effect.logInfo(`Refreshed ${refreshed} of ${pairs.length} requested pairs`)
        if (first !== undefined)
          yield* Effect.logWarning(
            `Requested pairs failed: ${first}${others.length === 0 ? "" : `, and ${others.length} more`}`
          )
      }).pipe(
        Effect.catchTag("StoreUnavailable", ({ message }) =>
          Effect.logWarning(`The requested pairs could not be read: ${message}`)
        ),
        Effect.withSpan("RequestedRefresh.run")
      )

      return RequestedRefresh.of({ run })
    })
  ).pipe(Layer.provide(RequestedPairs.layer))
}

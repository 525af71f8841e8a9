import { Effect, Option, Predicate, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import type { RedisError } from "effect/persistence/Redis"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import { isNewer, type Rate } from "../../domain/rates/Rate.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as RateFeed from "./RateFeed.ts"
import * as RedisStream from "./RedisStream.ts"

const RETRY_INTERVAL = "500 millis"

/**
 * Fills a feed from the Redis stream, so that every process publishes the same changes under the same sequence numbers.
 *
 * A feed is either in the shared epoch of the stream or, while Redis is unavailable, in a local epoch:
 *
 *                  publishing to Redis fails
 *     shared epoch ────────────────────────> local epoch
 *         ^                                       │
 *         └───────────────────────────────────────┘
 *           Redis answers: publish the local rates, then load position and history
 */
export const make = Effect.fnUntraced(function* (feed: RateFeed.RateFeed) {
  const stream = yield* RedisStream.make
  const random = yield* SecureRandom.SecureRandom
  let isShared = false
  /** The stream does not continue at the position of the feed, so the feed has to load it again. */
  let isOutOfSync = false
  /** Last position in the shared epoch before the feed went local. */
  let lastSharedPosition: StreamPosition | undefined
  let isReadable = true

  const logFailure = (error: RedisError) => Effect.logDebug("Redis failed", error.cause)

  /** Logs transitions between readable and unreadable, not every attempt. */
  const setReadable = (next: boolean, cause?: unknown) =>
    Effect.suspend(() => {
      const hasChanged = next !== isReadable
      isReadable = next
      if (!hasChanged) return Effect.void
      return next
        ? Effect.logInfo("Redis is readable: receiving the rate changes of other processes")
        : Effect.logWarning(
            `Redis is not readable, and the rate changes of other processes are missing: ${Predicate.isError(cause) ? cause.message : String(cause)}`
          )
    })

  /** Enters the shared epoch, after publishing the rates that other processes may not have. */
  const join: Effect.Effect<void, RedisError> = Effect.gen(function* () {
    yield* endDiscontinuedEpoch(lastSharedPosition)
    const local = feed.snapshot()
    const { history: entries, latest, position } = yield* stream.join(local.rates)
    // A rate that was published locally during the join is not in the stream yet.
    if (!isSame(feed.position(), local)) return yield* join
    const history = entries.flatMap((entry) =>
      entry.position.epoch === position.epoch && entry.position.sequence <= position.sequence
        ? Option.toArray(Option.map(entry.rate, (rate) => [entry.position.sequence, rate] as const))
        : []
    )
    feed.seed(latest)
    feed.startEpoch(position, history)
    feed.markContact()
    isShared = true
    isOutOfSync = false
  })

  /**
   * Returns the last position of the stream. A Redis that lost its last entries would reuse their sequence numbers, so
   * the epoch is ended in that case.
   */
  const endDiscontinuedEpoch = Effect.fnUntraced(function* (published: StreamPosition | undefined) {
    const last = yield* stream.lastPosition
    if (last.epoch === published?.epoch && last.sequence < published.sequence) yield* stream.endEpoch(last)
    return last
  })

  /** Applies an entry. One that is not next in sequence is of another epoch, or follows lost or unreadable entries. */
  const apply = (entry: RedisStream.Entry) => {
    const { epoch, sequence } = feed.position()
    isOutOfSync ||= !isSame(entry.position, { epoch, sequence: sequence + 1 }) || Option.isNone(entry.rate)
    if (!isOutOfSync && Option.isSome(entry.rate)) feed.apply(entry.position.sequence, entry.rate.value)
  }

  /** Detects a flushed Redis: its stream continues from an earlier position, or is missing. */
  const checkContinuity = Effect.gen(function* () {
    const position = feed.position()
    const last = yield* endDiscontinuedEpoch(position)
    if (isBefore(last, position)) isOutOfSync = true
  })

  const consume = Effect.scoped(
    Effect.gen(function* () {
      const read = yield* stream.reader
      while (true) {
        if (!isShared || isOutOfSync) yield* join
        const { changes, polls } = yield* read(feed.position())
        yield* setReadable(true)
        // Publishing may have failed during the read and moved the feed into a local epoch.
        if (!isShared) continue
        for (const entry of changes) apply(entry)
        for (const run of polls) feed.publishPoll(run)
        if (changes.length === 0) yield* checkContinuity
        if (!isOutOfSync) feed.markContact()
      }
    })
  )

  // One attempt before the first subscription, so that the first subscribers do not receive a second snapshot.
  yield* Effect.ignore(Effect.andThen(stream.startPolls, join))
  yield* consume.pipe(
    Effect.tapError((error) => Effect.andThen(logFailure(error), setReadable(false, error.cause))),
    Effect.retry(Schedule.spaced(RETRY_INTERVAL)),
    Effect.forkScoped
  )

  const enterLocalEpoch = Effect.gen(function* () {
    const epoch = yield* RateFeed.newEpoch
    if (!isShared) return
    lastSharedPosition = feed.position()
    isShared = false
    feed.startEpoch(epoch, [])
    yield* Effect.logWarning("Redis is not writable: rate changes reach only the subscribers of this process")
  }).pipe(Effect.provideService(SecureRandom.SecureRandom, random))

  const publish = Effect.fn("Broadcaster.publish")(function* (rate: Rate) {
    if (isShared) {
      // A publisher may be slow, and the stream may have been lost: it must not start with an earlier rate.
      const known = feed.latest(rate.pair)
      const latest = known !== undefined && isNewer(known, rate) ? known : rate
      const isPublished = yield* stream.publish(latest).pipe(Effect.tapError(logFailure), Effect.isSuccess)
      if (isPublished) return
      yield* enterLocalEpoch
    }
    feed.publish(rate)
  })

  const publishPoll = Effect.fn("Broadcaster.publishPoll")(function* (run: PollSummary) {
    const isPublished =
      isShared && (yield* stream.publishPoll(run).pipe(Effect.tapError(logFailure), Effect.isSuccess))
    if (!isPublished) feed.publishPoll(run)
  })

  return { publish, publishPoll }
})

const isSame = (a: StreamPosition, b: StreamPosition) => a.epoch === b.epoch && a.sequence === b.sequence

/** Returns true if a reader at `b` could miss changes that follow `a`. */
const isBefore = (a: StreamPosition, b: StreamPosition) => {
  const epochs = BigInt(a.epoch) - BigInt(b.epoch)
  return epochs === 0n ? a.sequence < b.sequence : epochs < 0n
}

import { Effect, Option, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import type { RedisError } from "effect/persistence/Redis"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as RateFeed from "./RateFeed.ts"
import * as RedisStream from "./RedisStream.ts"

/** How soon a Redis that failed is tried again. */
const RETRY = "500 millis"

/**
 * Fills a feed from the stream in Redis, so that every process tells the same changes under the same numbers. Where Redis
 * does not answer, the feed goes on in an epoch of its own, and joins the others once it does.
 */
export const make = Effect.fnUntraced(function* (feed: RateFeed.RateFeed) {
  const stream = yield* RedisStream.make
  const random = yield* SecureRandom.SecureRandom
  /** Whether the feed is in the epoch of all. */
  let joined = false
  /** Whether it has to learn anew where that epoch is. */
  let isLost = false
  /** What was told of it before the feed went on in an epoch of its own. */
  let left: StreamPosition | undefined
  let isRead = true

  const failed = (error: RedisError) => Effect.logDebug("Redis failed", error.cause)

  /** Says when the stream can no longer be read, and when it can again, not each time in between. */
  const observeReads = (reads: boolean, cause?: unknown) =>
    Effect.suspend(() => {
      const changed = reads !== isRead
      isRead = reads
      if (!changed) return Effect.void
      return reads
        ? Effect.logInfo("The changes of other processes arrive again")
        : Effect.logWarning("The changes of other processes cannot be read from Redis", cause)
    })

  /** Enters the epoch of all, after telling what the others may not know. */
  const join: Effect.Effect<void, RedisError> = Effect.gen(function* () {
    yield* endWhatDoesNotContinue(left)
    const known = feed.snapshot()
    yield* Effect.forEach(known.rates, stream.publish, { concurrency: "unbounded", discard: true })
    const position = yield* stream.last
    const entries = yield* stream.history
    const newest = yield* stream.newest
    // What was told here in the meantime is not told to the others yet.
    if (!isSame(feed.position(), known)) return yield* join
    const history = entries.flatMap((entry) =>
      entry.position.epoch === position.epoch && entry.position.sequence <= position.sequence
        ? Option.toArray(Option.map(entry.rate, (rate) => [entry.position.sequence, rate] as const))
        : []
    )
    feed.learn(newest)
    feed.begin(position, history)
    joined = true
    isLost = false
  })

  /** A Redis that lost its last entries would give their numbers once more. */
  const endWhatDoesNotContinue = Effect.fnUntraced(function* (told: StreamPosition | undefined) {
    const last = yield* stream.last
    if (last.epoch === told?.epoch && last.sequence < told.sequence) yield* stream.end(last)
    return last
  })

  /** What does not follow on the change before is another epoch, or entries that are gone or cannot be read. */
  const enter = (entry: RedisStream.Entry) => {
    const { epoch, sequence } = feed.position()
    isLost ||= !isSame(entry.position, { epoch, sequence: sequence + 1 }) || Option.isNone(entry.rate)
    if (!isLost && Option.isSome(entry.rate)) feed.apply(entry.position.sequence, entry.rate.value)
  }

  /** A Redis that was emptied goes on from an earlier place, or from none. */
  const checkContinues = Effect.gen(function* () {
    const told = feed.position()
    const last = yield* endWhatDoesNotContinue(told)
    if (isBefore(last, told)) isLost = true
  })

  const follow = Effect.scoped(
    Effect.gen(function* () {
      const read = yield* stream.reader
      while (true) {
        if (!joined || isLost) yield* join
        const { changes, polls } = yield* read(feed.position())
        yield* observeReads(true)
        // A publication may have failed in the meantime, and the feed be in an epoch of its own.
        if (!joined) continue
        for (const entry of changes) enter(entry)
        for (const run of polls) feed.tellPoll(run)
        if (changes.length === 0) yield* checkContinues
      }
    })
  )

  // Tried once before anybody reads, so that the first readers are not told everything twice.
  yield* Effect.ignore(Effect.andThen(stream.beginPolls, join))
  yield* follow.pipe(
    Effect.tapError((error) => Effect.andThen(failed(error), observeReads(false, error.cause))),
    Effect.retry(Schedule.spaced(RETRY)),
    Effect.forkScoped
  )

  const leave = Effect.gen(function* () {
    const epoch = yield* RateFeed.newEpoch
    if (!joined) return
    left = feed.position()
    joined = false
    feed.begin(epoch, [])
    yield* Effect.logWarning("Redis does not take changes: they reach only the readers of this process")
  }).pipe(Effect.provideService(SecureRandom.SecureRandom, random))

  const publish = Effect.fn("Broadcaster.publish")(function* (rate: Rate) {
    if (joined) {
      const published = yield* stream.publish(rate).pipe(Effect.tapError(failed), Effect.isSuccess)
      if (published) return
      yield* leave
    }
    feed.tell(rate)
  })

  const publishPoll = Effect.fn("Broadcaster.publishPoll")(function* (run: PollSummary) {
    const published =
      joined && (yield* stream.publishPoll(run).pipe(Effect.tapError(failed), Effect.isSuccess))
    if (!published) feed.tellPoll(run)
  })

  return { publish, publishPoll }
})

const isSame = (a: StreamPosition, b: StreamPosition) => a.epoch === b.epoch && a.sequence === b.sequence

/** Whether what follows `a` could be missed by somebody who reads on from `b`. */
const isBefore = (a: StreamPosition, b: StreamPosition) => {
  const epochs = BigInt(a.epoch) - BigInt(b.epoch)
  return epochs === 0n ? a.sequence < b.sequence : epochs < 0n
}

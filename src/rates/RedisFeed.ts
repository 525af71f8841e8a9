import { Effect, Metric, Option, Schedule } from "effect"
import { SecureRandom } from "effect/crypto"
import type { RedisError } from "effect/persistence/Redis"
import type { PollSummary } from "../domain/PollRun.ts"
import type { Rate } from "../domain/Rate.ts"
import type { StreamPosition } from "../domain/StreamPosition.ts"
import * as Metrics from "../platform/Metrics.ts"
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
  let joined = false
  let isRead = true

  const failed = (error: RedisError) =>
    Effect.andThen(Metric.update(Metrics.redisFailures, 1), Effect.logDebug("Redis failed", error.cause))

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
  const join = Effect.gen(function* () {
    yield* stream.last
    yield* Effect.forEach(feed.snapshot().rates, stream.publish, { concurrency: "unbounded", discard: true })
    const position = yield* stream.last
    const entries = yield* stream.history
    const history = entries.flatMap((entry) =>
      entry.position.epoch === position.epoch && entry.position.sequence <= position.sequence
        ? Option.toArray(Option.map(entry.rate, (rate) => [entry.position.sequence, rate] as const))
        : []
    )
    feed.begin(position, history)
    joined = true
  })

  /** Another process may have begun an epoch; what is in the stream only ever goes on from where it was. */
  const enter = (entry: RedisStream.Entry) => {
    const { epoch, sequence } = entry.position
    if (epoch !== feed.position().epoch) {
      feed.begin(entry.position, [])
      if (Option.isSome(entry.rate)) feed.learn([entry.rate.value])
      return
    }
    if (Option.isSome(entry.rate)) feed.apply(sequence, entry.rate.value)
  }

  /** A Redis that was emptied, or that lost its last entries, continues with numbers that were given already. */
  const checkContinues = Effect.gen(function* () {
    const told = feed.position()
    const last = yield* stream.last
    if (last.epoch === told.epoch && last.sequence < told.sequence) yield* stream.end(last)
    if (isBefore(last, told)) joined = false
  })

  const follow = Effect.scoped(
    Effect.gen(function* () {
      const read = yield* stream.reader
      while (true) {
        if (!joined) yield* join
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
  yield* Effect.ignore(join)
  yield* follow.pipe(
    Effect.tapError((error) => Effect.andThen(failed(error), observeReads(false, error.cause))),
    Effect.retry(Schedule.spaced(RETRY)),
    Effect.forkScoped
  )

  const leave = Effect.gen(function* () {
    joined = false
    feed.begin(yield* RateFeed.newEpoch, [])
    yield* Effect.logWarning("Redis does not take changes: they reach only the readers of this process")
  }).pipe(Effect.provideService(SecureRandom.SecureRandom, random))

  const publish = Effect.fn("Broadcaster.publish")(function* (rate: Rate) {
    if (joined) {
      const published = yield* stream.publish(rate).pipe(Effect.tapError(failed), Effect.isSuccess)
      if (published) return
      if (joined) yield* leave
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

/** Whether what follows `a` could be missed by somebody who reads on from `b`. */
const isBefore = (a: StreamPosition, b: StreamPosition) => {
  const epochs = BigInt(a.epoch) - BigInt(b.epoch)
  return epochs === 0n ? a.sequence < b.sequence : epochs < 0n
}

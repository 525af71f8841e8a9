import { Clock, Context, Duration, Effect, Layer, Schedule, Schema } from "effect"
import { Settings } from "../../config/Settings.ts"
import { EndReason, SessionId } from "../../domain/accounts/Session.ts"
import * as MonotonicClock from "../../platform/MonotonicClock.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as RedisChannel from "../../platform/RedisChannel.ts"

/** A session that was ended before it expired. */
export interface EndedSession {
  readonly id: SessionId
  readonly reason: EndReason
}

/** Interval at which every node reads the sessions that others ended. */
const READ_INTERVAL = Duration.seconds(2)
/** Age of the last read from which a node no longer knows which sessions were ended. */
const MAX_READ_AGE = Duration.seconds(10)
/**
 * Longest time between the start of a transaction, whose time a session ends at, and its commit. Longer than the timeout of a
 * statement in a transaction.
 */
const COMMIT_DELAY = Duration.minutes(3)
const CHANNEL = "ended-sessions"

const Row = Schema.Struct({ id: SessionId, reason: EndReason, endedAt: Schema.Date })
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))
const News = Schema.fromJsonString(Schema.Array(Schema.Struct({ id: SessionId, reason: EndReason })))
const decodeNews = Schema.decodeUnknownOption(News)

const secondsOf = (duration: Duration.Duration) => `${Duration.toSeconds(duration)} seconds`

const make = Effect.fnUntraced(function* (polls: boolean, channel?: RedisChannel.RedisChannel) {
  const { accessTokenTtl } = yield* Settings
  const { execute, sql } = yield* Database
  const clock = yield* Clock.Clock
  /** Kept for as long as an access token of the session can be valid. */
  const retention = Duration.sum(accessTokenTtl, COMMIT_DELAY)
  const ended = new Map<SessionId, { readonly reason: EndReason; readonly at: number }>()
  const listeners = new Map<SessionId, Set<() => void>>()
  let readAt = -Infinity
  /** End of the newest session that was read, by the clock of PostgreSQL. */
  let cursor: Date | undefined

  const apply = (sessions: ReadonlyArray<EndedSession>) => {
    const now = MonotonicClock.millisUnsafe(clock)
    for (const { id, reason } of sessions) {
      if (ended.has(id)) continue
      ended.set(id, { reason, at: now })
      for (const listener of listeners.get(id) ?? []) listener()
      listeners.delete(id)
    }
  }

  // Compares only times of PostgreSQL: the clocks of nodes may differ, and be set back.
  const read = Effect.gen(function* () {
    const startedAt = MonotonicClock.millisUnsafe(clock)
    const rows = yield* execute(sql`
      SELECT id, revoked_for AS reason, least(revoked_at, now()) AS ended_at FROM session
      WHERE revoked_at >= greatest(
        now() - ${secondsOf(retention)}::interval,
        ${cursor ?? null}::timestamptz - ${secondsOf(COMMIT_DELAY)}::interval
      )`)
    const found = yield* Effect.orDie(decodeRows(rows))
    apply(found)
    for (const { endedAt } of found) if (cursor === undefined || endedAt > cursor) cursor = endedAt
    readAt = startedAt
    for (const [id, { at }] of ended) if (at < startedAt - 2 * Duration.toMillis(retention)) ended.delete(id)
  })

  // Polls in addition to Redis: news that was missed is read two seconds later.
  if (polls)
    yield* read.pipe(
      Effect.ignoreCause,
      Effect.repeat(Schedule.spaced(READ_INTERVAL)),
      Effect.delay(READ_INTERVAL),
      Effect.forkScoped
    )
  yield* Effect.ignoreCause(read)
  if (channel !== undefined) {
    yield* channel
      .subscribe((message) => {
        const news = decodeNews(message)
        if (news._tag === "Some") apply(news.value)
      })
      .pipe(Effect.forkScoped)
  }

  return EndedSessions.of({
    publish: (sessions) =>
      Effect.suspend(() => {
        if (sessions.length === 0) return Effect.void
        apply(sessions)
        return channel === undefined
          ? Effect.void
          : Effect.asVoid(channel.publish(JSON.stringify(sessions.map(({ id, reason }) => ({ id, reason })))))
      }),
    reasonOf: (session) => ended.get(session)?.reason,
    isCurrent: () => MonotonicClock.millisUnsafe(clock) - readAt <= Duration.toMillis(MAX_READ_AGE),
    refresh: read,
    onEnd: (session, listener) => {
      if (ended.has(session)) {
        listener()
        return () => undefined
      }
      const own = listeners.get(session) ?? new Set()
      listeners.set(session, own.add(listener))
      return () => {
        own.delete(listener)
        if (own.size === 0 && listeners.get(session) === own) listeners.delete(session)
      }
    }
  })
})

/**
 * Sessions that were ended while their access tokens may still be valid. PostgreSQL is the truth, which every node reads
 * every two seconds; Redis carries the news faster.
 */
export class EndedSessions extends Context.Service<
  EndedSessions,
  {
    /** Announces sessions that this node ended, after the commit. */
    readonly publish: (sessions: ReadonlyArray<EndedSession>) => Effect.Effect<void>
    /** Returns why a session was ended; undefined if it was not, as far as this node knows. */
    readonly reasonOf: (session: SessionId) => EndReason | undefined
    /** False if this node could not read PostgreSQL for 10 seconds: only {@link refresh} can tell then. */
    readonly isCurrent: () => boolean
    readonly refresh: Effect.Effect<void, StoreUnavailable>
    /** Calls `listener` once when the session ends, or at once if it has ended. Returns a function that removes it. */
    readonly onEnd: (session: SessionId, listener: () => void) => () => void
  }
>()("effex/accounts/sessions/EndedSessions") {
  static readonly layerMemory = Layer.effect(EndedSessions, make(true))

  /** Reads only on {@link EndedSessions.refresh}, for tests that advance the clock by days. */
  static readonly layerOnDemand = Layer.effect(EndedSessions, make(false))

  /** Also announces sessions over Redis. */
  static readonly layerRedis = Layer.effect(
    EndedSessions,
    Effect.gen(function* () {
      return yield* make(true, yield* RedisChannel.make(CHANNEL))
    })
  )
}

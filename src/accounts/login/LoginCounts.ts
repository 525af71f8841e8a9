import { createHash } from "node:crypto"
import { Array, Clock, DateTime, Duration, Effect, Option, Schema } from "effect"
import { TooManyAttempts } from "../../domain/accounts/Login.ts"
import type { Bound } from "../../domain/accounts/LoginBounds.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as PgArray from "../../platform/postgres/PgArray.ts"

/** A subject whose attempts are counted, and its limit. */
export interface Counted {
  readonly subject: Buffer
  readonly bound: Bound
}

/** Returns the key that attempts are counted by: a hash, so that the counts contain no names and addresses. */
export const subjectOf = (...parts: readonly [label: string, ...values: ReadonlyArray<string>]): Buffer =>
  createHash("sha256").update(JSON.stringify(parts)).digest()

/** Age from which a count is deleted. Longer than each window and its grace. */
const RETENTION = Duration.hours(2)
const MIN_RETRY = Duration.seconds(1)

const decodeOutcomes = Schema.decodeUnknownEffect(
  Schema.Tuple([Schema.Struct({ refusedUntil: Schema.NullOr(Schema.Date) })])
)
const decodeCounts = Schema.decodeUnknownEffect(
  Schema.Array(Schema.Struct({ failures: Schema.Int, windowEnd: Schema.Date }))
)

/** A count that a success takes back, or resets. */
export interface Refund extends Counted {
  readonly resets: boolean
}

const millisOf = (duration: Duration.Duration) => `${Duration.toMillis(duration)} milliseconds`

/** Returns the columns of subjects as arrays of PostgreSQL. */
const columnsOf = (subjects: ReadonlyArray<Counted>) => ({
  subjects: PgArray.ofTexts(subjects.map(({ subject }) => `\\x${subject.toString("hex")}`)),
  limits: PgArray.of(subjects.map(({ bound }) => bound.limit)),
  windows: PgArray.ofTexts(subjects.map(({ bound }) => millisOf(bound.window))),
  graces: PgArray.ofTexts(subjects.map(({ bound }) => millisOf(bound.grace)))
})

/** Counts of attempts in PostgreSQL, which all nodes share. Each method is one statement. */
export const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const now = Effect.map(DateTime.now, DateTime.toDateUtc)

  const tooMany = Effect.fnUntraced(function* (until: Date) {
    const left = Duration.millis(until.getTime() - (yield* Clock.currentTimeMillis))
    return yield* new TooManyAttempts({ retryAfter: Duration.max(left, MIN_RETRY) })
  })

  /**
   * Counts an attempt for all subjects, in their order, before its outcome is known: concurrent attempts would all pass
   * otherwise. The first subject that refuses it takes back the counts of those before: who is refused because of others must
   * not be blocked for it.
   */
  const count = Effect.fnUntraced(function* (counted: ReadonlyArray<Counted>) {
    const { graces, limits, subjects, windows } = columnsOf(counted)
    const rows = yield* execute(sql`
      SELECT count_attempt(
        ${subjects}::bytea[], ${limits}::int[], ${windows}::interval[], ${graces}::interval[], ${yield* now}
      ) AS refused_until`)
    const [{ refusedUntil }] = yield* Effect.orDie(decodeOutcomes(rows))
    if (refusedUntil !== null) return yield* tooMany(refusedUntil)
  })

  /** Returns the count and the end of the current window. */
  const find = Effect.fnUntraced(function* ({ bound, subject }: Counted) {
    const window = sql`${millisOf(bound.window)}::interval`
    const rows = yield* execute(sql`
      SELECT failures, first_at + ${window} AS window_end FROM login_failure
      WHERE subject = ${subject} AND first_at + ${window} > ${yield* now}::timestamptz`)
    return Array.head(yield* Effect.orDie(decodeCounts(rows)))
  })

  /** Fails if the next attempt would be refused. Counts nothing. */
  const check = Effect.fnUntraced(function* (counted: Counted) {
    const found = yield* find(counted)
    if (Option.isSome(found) && found.value.failures >= counted.bound.limit)
      return yield* tooMany(found.value.windowEnd)
  })

  /** Returns the count of the current window. */
  const current = (counted: Counted) =>
    Effect.map(find(counted), Option.match({ onNone: () => 0, onSome: ({ failures }) => failures }))

  /** Takes back one count of each subject, or resets it, in their order. */
  const refund = Effect.fnUntraced(function* (refunds: ReadonlyArray<Refund>) {
    const { limits, subjects, windows } = columnsOf(refunds)
    const resets = PgArray.of(refunds.map((counted) => counted.resets))
    yield* execute(sql`
      SELECT refund_attempt(${subjects}::bytea[], ${limits}::int[], ${windows}::interval[], ${resets}::boolean[])`)
  })

  const removeExpired = Effect.gen(function* () {
    const before = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, RETENTION))
    // Attempts lock several rows, in another order than this: it leaves the rows that one has locked to the next time.
    yield* execute(sql`
      DELETE FROM login_failure
      WHERE subject IN (SELECT subject FROM login_failure WHERE last_at < ${before} FOR UPDATE SKIP LOCKED)`)
  })

  return { check, count, current, refund, removeExpired }
})

/** Counts attempts in the memory of the process. */
export const makeLocal = (bound: Bound) => {
  let count = 0
  let startedAt = Option.none<number>()
  return Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const end = Option.getOrElse(startedAt, () => -Infinity) + Duration.toMillis(bound.window)
    if (now >= end) {
      startedAt = Option.some(now)
      count = 0
    }
    if (count >= bound.limit)
      return yield* new TooManyAttempts({ retryAfter: Duration.max(Duration.millis(end - now), MIN_RETRY) })
    count += 1
  })
}

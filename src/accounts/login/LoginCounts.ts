import { createHash } from "node:crypto"
import { Clock, DateTime, Duration, Effect, Option, Schema } from "effect"
import { TooManyAttempts } from "../../domain/accounts/Login.ts"
import type { Bound } from "../../domain/accounts/LoginBounds.ts"
import { Database } from "../../platform/postgres/Database.ts"

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

const Row = Schema.Struct({ admitted: Schema.Boolean, firstAt: Schema.Date })
const decodeCounts = Schema.decodeUnknownEffect(Schema.Array(Schema.Struct({ failures: Schema.Int })))
const decodeRows = Schema.decodeUnknownEffect(Schema.Array(Row))

/** Counts of attempts in PostgreSQL, which all nodes share. Each method is one statement, so that none can deadlock. */
export const make = Effect.gen(function* () {
  const { execute, sql } = yield* Database
  const millis = (duration: Duration.Duration) => `${Duration.toMillis(duration)} milliseconds`
  const now = Effect.map(DateTime.now, DateTime.toDateUtc)

  const tooMany = Effect.fnUntraced(function* ({ bound }: Counted, firstAt: Date) {
    const left = firstAt.getTime() + Duration.toMillis(bound.window) - (yield* Clock.currentTimeMillis)
    return yield* new TooManyAttempts({ retryAfter: Duration.max(Duration.millis(left), MIN_RETRY) })
  })

  /** Counts an attempt before its outcome is known: concurrent attempts would all pass otherwise. */
  const count = Effect.fnUntraced(function* (counted: Counted) {
    const { bound, subject } = counted
    const at = yield* now
    const window = sql`${millis(bound.window)}::interval`
    const isOver = sql`f.first_at + ${window} <= ${at}::timestamptz`
    const isGrace = sql`
      ${isOver} AND f.blocked_until + ${millis(bound.grace)}::interval > ${at}::timestamptz`
    // A count of one more than the limit marks a refusal. Only blocks of up to 15 minutes are stored.
    const rows = yield* execute(sql`
      INSERT INTO login_failure AS f (subject, failures, first_at, last_at)
      VALUES (${subject}, 1, ${at}, ${at})
      ON CONFLICT (subject) DO UPDATE SET
        failures = CASE
          WHEN ${isGrace} THEN f.failures
          WHEN ${isOver} THEN 1
          ELSE least(f.failures, ${bound.limit}::int) + 1 END,
        first_at = CASE WHEN ${isOver} AND (${isGrace}) IS NOT TRUE THEN ${at} ELSE f.first_at END,
        last_at = greatest(f.last_at, ${at}),
        blocked_until = CASE
          WHEN ${isGrace} THEN f.blocked_until
          WHEN ${isOver} THEN NULL
          WHEN f.failures >= ${bound.limit}::int AND ${window} <= interval '15 minutes'
            THEN f.first_at + ${window}
          ELSE f.blocked_until END
      RETURNING failures <= ${bound.limit}::int OR ${isOver} AS admitted, first_at`)
    const [row] = yield* Effect.orDie(decodeRows(rows))
    if (row?.admitted === false) return yield* tooMany(counted, row.firstAt)
  })

  /** Fails if the next attempt would be refused. Counts nothing. */
  const check = Effect.fnUntraced(function* (counted: Counted) {
    const { bound, subject } = counted
    const rows = yield* execute(sql`
      SELECT failures < ${bound.limit}::int
        OR first_at + ${millis(bound.window)}::interval <= ${yield* now}::timestamptz AS admitted, first_at
      FROM login_failure WHERE subject = ${subject}`)
    const [row] = yield* Effect.orDie(decodeRows(rows))
    if (row?.admitted === false) return yield* tooMany(counted, row.firstAt)
  })

  /** Returns the count of the current window. */
  const current = Effect.fnUntraced(function* ({ bound, subject }: Counted) {
    const rows = yield* execute(sql`
      SELECT failures FROM login_failure WHERE subject = ${subject}
        AND first_at + ${millis(bound.window)}::interval > ${yield* now}::timestamptz`)
    const [row] = yield* Effect.orDie(decodeCounts(rows))
    return row?.failures ?? 0
  })

  /** Takes back one count. A count of zero cannot be stored: its window is over instead. */
  const refund = ({ bound, subject }: Counted) =>
    execute(sql`
      UPDATE login_failure SET
        failures = greatest(least(failures, ${bound.limit}::int) - 1, 1),
        first_at = CASE
          WHEN failures = 1 THEN first_at - ${millis(bound.window)}::interval ELSE first_at END,
        blocked_until = CASE WHEN failures = 1 THEN NULL ELSE blocked_until END
      WHERE subject = ${subject}`)

  const reset = (subjects: ReadonlyArray<Counted>) =>
    Effect.forEach(
      subjects,
      ({ subject }) => execute(sql`DELETE FROM login_failure WHERE subject = ${subject}`),
      { discard: true }
    )

  const removeExpired = Effect.gen(function* () {
    const before = DateTime.toDateUtc(DateTime.subtractDuration(yield* DateTime.now, RETENTION))
    yield* execute(sql`DELETE FROM login_failure WHERE last_at < ${before}`)
  })

  /**
   * Counts an attempt for all subjects, in their order. The first subject that refuses it takes back the counts of those
   * before: who is refused because of others must not be blocked for it.
   */
  const countAll = Effect.fnUntraced(function* (subjects: ReadonlyArray<Counted>) {
    for (const [index, counted] of subjects.entries())
      yield* count(counted).pipe(
        Effect.tapErrorTag("TooManyAttempts", () => refundAll(subjects.slice(0, index)))
      )
  })

  const refundAll = (subjects: ReadonlyArray<Counted>) => Effect.forEach(subjects, refund, { discard: true })

  return { check, count, countAll, current, refundAll, removeExpired, reset }
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

import { Context, DateTime, Effect, Layer, Schedule, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import * as RateIds from "../../domain/rates/RateIds.ts"
import type { InvalidRow } from "../../domain/rates/ImportRow.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as ImportStatements from "./ImportStatements.ts"

/** Another import is under way, here or in another process. */
export class ImportUnderWay extends Schema.TaggedError<ImportUnderWay>()("ImportUnderWay", {}) {
  override get message(): string {
    return "Another import is under way: try again when it has ended"
  }
}

/** How what was imported differs from what was known. */
export interface Difference {
  /** How many rates were not known. */
  readonly stored: number
  /** How many of these say something else of a moment than what was known of it. */
  readonly corrections: number
}

/** Told of how many lines are done. */
export type Observe = (done: number) => Effect.Effect<void>

/** Rates in a temporary table, in one transaction: nobody sees any of it before that is committed. */
export interface Staging {
  readonly add: (rates: ReadonlyArray<ImportStatements.StagedRate>) => Effect.Effect<void, SqlError.SqlError>
  /**
   * Takes out the lines that repeat another one, are corrected by it or contradict it, and tells `onBad` of the last.
   * To be called once, when all is added.
   */
  readonly settle: <E>(
    onBad: (lines: ReadonlyArray<InvalidRow>) => Effect.Effect<void, E>
  ) => Effect.Effect<void, E | SqlError.SqlError>
  /** Counts what is not known yet. */
  readonly compare: (observe: Observe) => Effect.Effect<Difference, SqlError.SqlError>
  /** Stores what is not known yet, and makes the newest the latest of their pairs unless later ones are there. */
  readonly store: (observe: Observe) => Effect.Effect<Difference, SqlError.SqlError | StoreUnavailable>
}

/** Stores many rates at once: all of them, or none. */
export class ImportRepo extends Context.Service<
  ImportRepo,
  {
    /** Runs an import in one transaction, which is committed when it succeeds. One at a time, in all processes. */
    readonly transaction: <A, E>(
      work: (staging: Staging) => Effect.Effect<A, E>
    ) => Effect.Effect<A, Exclude<E, SqlError.SqlError> | ImportUnderWay | StoreUnavailable>
  }
>()("effex/rates/import/ImportRepo") {
  static readonly layer = Layer.effect(
    ImportRepo,
    Effect.suspend(() => make)
  )
}

/** How long a new partition waits for its turn: every lookup waits behind it. */
const PARTITION_LOCK_WAIT = "500ms"
const PARTITION_RETRY = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(5)])

const make = Effect.gen(function* () {
  const { sql, transaction, execute } = yield* Database
  const random = yield* SecureRandom.SecureRandom
  const statements = ImportStatements.make(sql)

  const begin = Effect.gen(function* () {
    const [row] = yield* statements.lock
    if (row?.isFree !== true) return yield* new ImportUnderWay()
    yield* statements.createStaged
  })

  const add: Staging["add"] = (rates) => (rates.length === 0 ? Effect.void : statements.add(rates))

  const settle: Staging["settle"] = Effect.fnUntraced(function* <E>(
    onBad: (lines: ReadonlyArray<InvalidRow>) => Effect.Effect<void, E>
  ) {
    yield* statements.findRepetitions
    yield* statements.dropRepetitions
    yield* statements.analyze
    let after = 0
    for (;;) {
      const rows = yield* statements.contradictions(after)
      yield* onBad(rows.map(toBadLine))
      after = rows.at(-1)?.line ?? after
      if (rows.length < ImportStatements.BATCH) return
    }
  })

  /** Compares batch by batch, and hands on what is not known. */
  const compareAll = Effect.fnUntraced(function* <E>(
    observe: Observe,
    onAbsent: (absent: ReadonlyArray<ImportStatements.Compared>) => Effect.Effect<void, E>
  ) {
    let [stored, corrections, after] = [0, 0, 0]
    for (;;) {
      const batch = yield* statements.compare(after)
      const absent = batch.filter(({ isKnown, isLeg }) => !isKnown && !isLeg)
      if (absent.length > 0) yield* onAbsent(absent)
      stored += absent.length
      corrections += absent.filter(({ knownAt }) => knownAt !== null).length
      after = batch.at(-1)?.line ?? after
      yield* observe(after)
      if (batch.length < ImportStatements.BATCH) return { stored, corrections }
    }
  })

  const compare: Staging["compare"] = (observe) => compareAll(observe, () => Effect.void)

  const store = Effect.fnUntraced(function* (observe: Observe) {
    const identify = makeIdentify(yield* DateTime.now, yield* RateIds.randomEntropy(random))
    const latest = new Map<string, ImportStatements.Candidate>()

    const storeBatch = Effect.fnUntraced(function* (absent: ReadonlyArray<ImportStatements.Compared>) {
      const fresh = absent.map((row) => ({ ...row, ...identify(row) }))
      const ids = new Map(fresh.map(({ id, line }) => [line, id]))
      const elsewhere = new Set(absent.flatMap(({ legs }) => legs).filter((line) => !ids.has(line)))
      const legs = elsewhere.size === 0 ? [] : yield* statements.findLegs(Array.from(elsewhere))
      const freshLegs = legs
        .filter(({ id }) => id === null)
        .map((leg) => ({ ...identify({ ...leg, knownAt: null }), derivedFrom: [] }))
      for (const { id, line } of [...legs, ...freshLegs]) if (id !== null) ids.set(line, id)
      const derived = fresh.map((row) => ({
        ...row,
        derivedFrom: row.legs.flatMap((line) => ids.get(line) ?? [])
      }))
      yield* statements.insert([...freshLegs, ...derived])
      // Ids sort by the moments from which their rates are in force, and then by those at which they were recorded.
      for (const row of fresh) if (row.id > (latest.get(row.key)?.id ?? "")) latest.set(row.key, row)
    })

    const difference = yield* compareAll(observe, storeBatch)
    yield* statements.advanceLatest(latest.values())
    return difference
  })

  // Each in a transaction of its own, since all lookups wait while a partition is made.
  const makePartitions = (months: ReadonlyArray<{ readonly month: Date }>) =>
    Effect.forEach(
      months,
      ({ month }) =>
        execute(
          sql.withTransaction(
            Effect.andThen(
              sql`SELECT set_config('lock_timeout', ${PARTITION_LOCK_WAIT}, true)`,
              sql`SELECT ensure_monthly_partitions('exchange_rate', ${month}::timestamptz, 1)`
            )
          )
        ).pipe(Effect.retry(PARTITION_RETRY)),
      { discard: true }
    )

  return ImportRepo.of({
    transaction: Effect.fn("ImportRepo.transaction")(function* (work) {
      const outside = yield* Effect.context()
      const staging: Staging = {
        add,
        settle,
        compare,
        store: Effect.fnUntraced(function* (observe) {
          yield* Effect.setContext(makePartitions(yield* statements.months), outside)
          return yield* store(observe)
        })
      }
      return yield* transaction(Effect.andThen(begin, work(staging)))
    })
  })
})

/** Gives ids that differ from each other, whatever their moments. */
const makeIdentify = (now: DateTime.Utc, start: number) => {
  let entropy = start
  return ({
    knownAt,
    line,
    observedAt
  }: Pick<ImportStatements.Compared, "line" | "observedAt" | "knownAt">) => {
    // A correction is known later than what it corrects, also where the clocks of two machines differ.
    const earliest = knownAt === null ? 0 : knownAt.getTime() + 1
    const recordedAt = DateTime.makeUnsafe(Math.max(DateTime.toEpochMillis(now), earliest))
    entropy = (entropy + 1) % RateIds.ENTROPY_RANGE
    return { line, recordedAt, id: RateIds.make(DateTime.fromDateUnsafe(observedAt), recordedAt, entropy) }
  }
}

const toBadLine = (repetition: ImportStatements.Repetition): InvalidRow => {
  const { firstLine, firstProvider, firstRate, isSameRate, line, provider, rate } = repetition
  const [column, found, first] = isSameRate
    ? ["provider", provider, firstProvider]
    : ["rate", rate, firstRate]
  return {
    line,
    column,
    found: JSON.stringify(found),
    allowed: `${JSON.stringify(first)}, as line ${firstLine} says of the same pair and moment`
  }
}

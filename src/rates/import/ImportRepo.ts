import { Context, DateTime, Effect, Layer, Schedule, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql"
import * as RateIds from "../../domain/rates/RateIds.ts"
import type { InvalidRow } from "../../domain/rates/ImportRow.ts"
import { Database } from "../../platform/postgres/Database.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as GuardLimits from "../guard/GuardLimits.ts"
import * as ImportOutliers from "./ImportOutliers.ts"
import * as ImportStatements from "./ImportStatements.ts"

/** Another import is in progress, in this or in another process. */
export class ImportInProgress extends Schema.TaggedError<ImportInProgress>()("ImportInProgress", {}) {
  override get message(): string {
    return "Another import is in progress; try again when it has finished"
  }
}

/** Difference between the staged and the stored rates. */
export interface ImportDiff {
  /** Number of rates that were not stored before. */
  readonly stored: number
  /** Number of those that correct a stored rate of the same time. */
  readonly corrections: number
}

/** Called with the number of the last processed line. */
export type OnLineProgress = (done: number) => Effect.Effect<void>

/** Rates in a temporary table. Nothing is visible to other sessions before the transaction commits. */
export interface Staging {
  readonly add: (rates: ReadonlyArray<ImportStatements.StagedRate>) => Effect.Effect<void, SqlError.SqlError>
  /**
   * Removes the lines that repeat, are corrected by, or contradict another line, and reports the contradictions. Call it
   * once, after the last `add`.
   */
  readonly removeDuplicates: <E>(
    onInvalid: (lines: ReadonlyArray<InvalidRow>) => Effect.Effect<void, E>
  ) => Effect.Effect<void, E | SqlError.SqlError>
  /**
   * Creates the partitions of the rates, in other transactions. Call it before `judge`: reading the stored rates locks
   * the partitions.
   */
  readonly createPartitions: Effect.Effect<void, SqlError.SqlError | StoreUnavailable>
  /**
   * Reports the rates that do not fit the rates around them, and refuses or accepts them. Returns their number. Call it
   * once, after `removeDuplicates`.
   */
  readonly judge: <E>(options: {
    readonly isAccepted: boolean
    readonly onOutliers: ImportOutliers.OnOutliers<E>
  }) => Effect.Effect<number, E | SqlError.SqlError>
  /** Counts the rates that are not stored yet. */
  readonly compare: (onProgress: OnLineProgress) => Effect.Effect<ImportDiff, SqlError.SqlError>
  /**
   * Stores the rates that are not stored yet. Only if `isInForce` is set, the newest rate of a pair becomes the rate in
   * force, unless a newer one is in force.
   */
  readonly store: (
    onProgress: OnLineProgress,
    isInForce: boolean
  ) => Effect.Effect<ImportDiff, SqlError.SqlError>
}

/** Lock timeout for creating a partition: queries queue behind the waiting lock. */
const PARTITION_LOCK_TIMEOUT = "500ms"

const PARTITION_RETRY = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(5)])

const make = Effect.gen(function* () {
  const { sql, transaction, execute } = yield* Database
  const limitsOf = yield* GuardLimits.make
  const random = yield* SecureRandom.SecureRandom
  const statements = ImportStatements.make(sql)
  const judge = ImportOutliers.make(sql, (pair) => limitsOf(pair).maxJump)

  const start = Effect.gen(function* () {
    const [row] = yield* statements.lock
    if (row?.isAcquired !== true) return yield* new ImportInProgress()
    yield* statements.createStaged
  })

  const add: Staging["add"] = (rates) => (rates.length === 0 ? Effect.void : statements.add(rates))

  const removeDuplicates: Staging["removeDuplicates"] = Effect.fnUntraced(function* <E>(
    onInvalid: (lines: ReadonlyArray<InvalidRow>) => Effect.Effect<void, E>
  ) {
    yield* statements.findDuplicates
    yield* statements.dropDuplicates
    yield* statements.analyze
    let after = 0
    for (;;) {
      const rows = yield* statements.contradictions(after)
      yield* onInvalid(rows.map(toInvalidRow))
      after = rows.at(-1)?.line ?? after
      if (rows.length < ImportStatements.BATCH_SIZE) return
    }
  })

  /** Compares in batches, and calls `onMissing` with the rates that are not stored. */
  const compareAll = Effect.fnUntraced(function* <E>(
    onProgress: OnLineProgress,
    onMissing: (missing: ReadonlyArray<ImportStatements.ComparedRate>) => Effect.Effect<void, E>
  ) {
    let [stored, corrections, after] = [0, 0, 0]
    for (;;) {
      const batch = yield* statements.compare(after)
      const missing = batch.filter(({ isLeg, isStored }) => !isStored && !isLeg)
      if (missing.length > 0) yield* onMissing(missing)
      stored += missing.length
      corrections += missing.filter(({ storedAt }) => storedAt !== null).length
      after = batch.at(-1)?.line ?? after
      yield* onProgress(after)
      if (batch.length < ImportStatements.BATCH_SIZE) return { stored, corrections }
    }
  })

  const compare: Staging["compare"] = (onProgress) => compareAll(onProgress, () => Effect.void)

  const store = Effect.fnUntraced(function* (onProgress: OnLineProgress, isInForce: boolean) {
    const identify = makeIdentify(yield* DateTime.now, yield* RateIds.randomEntropy(random))

    const storeBatch = Effect.fnUntraced(function* (missing: ReadonlyArray<ImportStatements.ComparedRate>) {
      const rates = missing.map((row) => ({ ...row, ...identify(row) }))
      const ids = new Map(rates.map(({ id, line }) => [line, id]))
      const otherLegLines = new Set(missing.flatMap(({ legs }) => legs).filter((line) => !ids.has(line)))
      const legs = otherLegLines.size === 0 ? [] : yield* statements.findLegs(Array.from(otherLegLines))
      const newLegs = legs
        .filter(({ id }) => id === null)
        .map((leg) => ({ ...identify({ ...leg, storedAt: null }), derivedFrom: [] }))
      for (const { id, line } of [...legs, ...newLegs]) if (id !== null) ids.set(line, id)
      const derived = rates.map((row) => ({
        ...row,
        derivedFrom: row.legs.flatMap((line) => ids.get(line) ?? [])
      }))
      yield* statements.insert([...newLegs, ...derived])
    })

    const diff = yield* compareAll(onProgress, storeBatch)
    if (isInForce) yield* statements.advanceLatest
    return diff
  })

  // One transaction each, because lookups wait while a partition is created.
  const createPartitions = (months: ReadonlyArray<{ readonly month: Date }>) =>
    Effect.forEach(
      months,
      ({ month }) =>
        execute(
          sql.withTransaction(
            Effect.andThen(
              sql`SELECT set_config('lock_timeout', ${PARTITION_LOCK_TIMEOUT}, true)`,
              sql`SELECT ensure_monthly_partitions('exchange_rate', ${month}::timestamptz, 1)`
            )
          )
        ).pipe(Effect.retry(PARTITION_RETRY)),
      { discard: true }
    )

  return ImportRepo.of({
    transaction: Effect.fn("ImportRepo.transaction")(function* (work) {
      const contextOutsideTransaction = yield* Effect.context()
      const staging: Staging = {
        add,
        removeDuplicates,
        createPartitions: Effect.flatMap(statements.months, (months) =>
          Effect.setContext(createPartitions(months), contextOutsideTransaction)
        ),
        judge,
        compare,
        store
      }
      return yield* transaction(Effect.andThen(start, work(staging)))
    })
  })
})

/** Stores rates in bulk: all of them, or none. */
export class ImportRepo extends Context.Service<
  ImportRepo,
  {
    /** Runs an import in one transaction, and commits it on success. Runs in one process at a time. */
    readonly transaction: <A, E>(
      work: (staging: Staging) => Effect.Effect<A, E>
    ) => Effect.Effect<A, Exclude<E, SqlError.SqlError> | ImportInProgress | StoreUnavailable>
  }
>()("effex/rates/import/ImportRepo") {
  static readonly layer = Layer.effect(ImportRepo, make)
}

/** Creates a function that assigns unique ids and recording times. */
const makeIdentify = (now: DateTime.Utc, start: number) => {
  let entropy = start
  return ({
    storedAt,
    line,
    observedAt
  }: Pick<ImportStatements.ComparedRate, "line" | "observedAt" | "storedAt">) => {
    // A correction is recorded after the corrected rate, even if the clocks of two machines differ.
    const earliest = storedAt === null ? 0 : storedAt.getTime() + 1
    const recordedAt = DateTime.makeUnsafe(Math.max(DateTime.toEpochMillis(now), earliest))
    entropy = (entropy + 1) % RateIds.ENTROPY_RANGE
    return { line, recordedAt, id: RateIds.make(DateTime.fromDateUnsafe(observedAt), recordedAt, entropy) }
  }
}

const toInvalidRow = (duplicate: ImportStatements.DuplicateLine): InvalidRow => {
  const { firstLine, firstProvider, firstRate, isSameRate, line, provider, rate } = duplicate
  const [column, found, allowed] = isSameRate
    ? ["provider", provider, firstProvider]
    : ["rate", rate, firstRate]
  return {
    line,
    column,
    found: JSON.stringify(found),
    allowed: `${JSON.stringify(allowed)}, as in line ${firstLine} for the same pair and time`
  }
}

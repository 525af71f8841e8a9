import { Clock, Context, Effect, Layer } from "effect"
import type { AuditRecord } from "../domain/conversion/AuditRecord.ts"
import type { AuditId } from "../domain/conversion/AuditId.ts"
import * as MonotonicClock from "../platform/MonotonicClock.ts"
import { encodeRecord } from "./AuditHash.ts"

/** About 12 MB. */
const MAX_CACHED_RECORDS = 20_000
/** Time since this process last sealed a record after which another process is assumed to seal, and caching stops. */
const SEALER_TIMEOUT_MILLIS = 5_000

/**
 * Cache of the records that this process has committed and will seal soon. Reading them back from the database would take
 * longer than everything else that sealing does.
 */
export class UnsealedRecords extends Context.Service<
  UnsealedRecords,
  {
    /** Caches a committed record if this process is the one that seals. */
    readonly add: (record: AuditRecord) => void
    /** Returns the hashed bytes of a cached record. */
    readonly find: (id: AuditId) => Buffer | undefined
    /** Removes the records that this process has sealed. */
    readonly removeSealed: (ids: ReadonlyArray<AuditId>) => void
    /** Empties the cache, so that all records are read from the database. */
    readonly clear: () => void
  }
>()("effex/audit/UnsealedRecords") {
  static readonly layer = Layer.effect(
    UnsealedRecords,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const cache = new Map<AuditId, Buffer>()
      let lastSealMillis = Number.NEGATIVE_INFINITY

      return UnsealedRecords.of({
        add: (record) => {
          if (MonotonicClock.millisUnsafe(clock) - lastSealMillis > SEALER_TIMEOUT_MILLIS) {
            cache.clear()
            return
          }
          cache.set(record.audit_id, encodeRecord(record))
          // Evicts records that were sealed before they were added, which `removeSealed` never removes.
          const [oldest] = cache.keys()
          if (cache.size > MAX_CACHED_RECORDS && oldest !== undefined) cache.delete(oldest)
        },
        find: (id) => cache.get(id),
        removeSealed: (ids) => {
          lastSealMillis = MonotonicClock.millisUnsafe(clock)
          for (const id of ids) cache.delete(id)
        },
        clear: () => cache.clear()
      })
    })
  )
}

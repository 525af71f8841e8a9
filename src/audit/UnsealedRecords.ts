import { Clock, Context, Effect, Layer } from "effect"
import type { AuditId, AuditRecord } from "../domain/conversion/AuditRecord.ts"
import { encodeRecord } from "./AuditHash.ts"

/** The most records that are kept, the last ones, in some 12 MB. */
const MOST = 20_000
/** How long after this process has sealed records are kept: another one seals since then. */
const KEPT_MILLIS = 5_000

/**
 * The records that this process has committed and is about to seal. What was answered is what is sealed then, and need not
 * be read again: that would take more time than all the rest of a seal.
 */
export class UnsealedRecords extends Context.Service<
  UnsealedRecords,
  {
    /** Keeps a record that was committed here, where this process is the one that seals. */
    readonly keep: (record: AuditRecord) => void
    /** A record that was kept, as the bytes that are hashed. */
    readonly find: (id: AuditId) => Buffer | undefined
    /** Forgets what has been sealed here. */
    readonly sealed: (ids: ReadonlyArray<AuditId>) => void
    /** Forgets everything: it is read from the database. */
    readonly clear: () => void
  }
>()("effex/audit/UnsealedRecords") {
  static readonly layer = Layer.effect(
    UnsealedRecords,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const kept = new Map<AuditId, Buffer>()
      let sealedAt = Number.NEGATIVE_INFINITY

      return UnsealedRecords.of({
        keep: (record) => {
          if (clock.currentTimeMillisUnsafe() - sealedAt > KEPT_MILLIS) {
            kept.clear()
            return
          }
          kept.set(record.audit_id, encodeRecord(record))
          // One may have been sealed by then.
          const [oldest] = kept.keys()
          if (kept.size > MOST && oldest !== undefined) kept.delete(oldest)
        },
        find: (id) => kept.get(id),
        sealed: (ids) => {
          sealedAt = clock.currentTimeMillisUnsafe()
          for (const id of ids) kept.delete(id)
        },
        clear: () => kept.clear()
      })
    })
  )
}

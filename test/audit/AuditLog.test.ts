import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import type { AppendOutcome, AuditAppend } from "../../src/audit/AuditAppend.ts"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { AuditRepo } from "../../src/audit/AuditRepo.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"

const duplicate: AppendOutcome = { _tag: "DuplicateKey", requestHash: "hash", response: "{}" }
const uniqueViolation = new SqlError({
  reason: new UniqueViolation({ cause: "23505", constraint: "idempotency_pkey" })
})

/** Appends to a repository that fails a number of times, as if other processes inserted the key after each lookup. */
const appendWithConflicts = (conflicts: number) =>
  Effect.gen(function* () {
    let remaining = conflicts
    const repo = Layer.mock(AuditRepo, {
      append: () =>
        Effect.suspend(() => (remaining-- > 0 ? Effect.fail(uniqueViolation) : Effect.succeed([duplicate])))
    })
    return yield* Effect.flatMap(AuditLog, ({ append }) => append({} as AuditAppend)).pipe(
      Effect.provide(AuditLog.layerNoDeps.pipe(Layer.provide([repo, UnsealedRecords.layer])))
    )
  })

describe("AuditLog.append", () => {
  it.effect.each([1, 2, 4])(
    "returns the stored response after %i unique violations on its idempotency key",
    (conflicts) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* appendWithConflicts(conflicts), duplicate)
      })
  )
})

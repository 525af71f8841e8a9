import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlError, UniqueViolation } from "effect/sql/SqlError"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import { type Append, type Appended, AuditRepo } from "../../src/audit/AuditRepo.ts"

const known: Appended = { _tag: "Known", requestHash: "hash", answer: "{}" }
const taken = new SqlError({
  reason: new UniqueViolation({ cause: "23505", constraint: "idempotency_pkey" })
})

/** What an append comes to where another process takes its key so often, each time after it was looked for. */
const appendTo = (timesTaken: number) =>
  Effect.gen(function* () {
    let left = timesTaken
    const repo = Layer.mock(AuditRepo, {
      append: () => Effect.suspend(() => (left-- > 0 ? Effect.fail(taken) : Effect.succeed([known])))
    })
    return yield* Effect.flatMap(AuditLog, ({ append }) => append({} as Append)).pipe(
      Effect.provide(AuditLog.layer.pipe(Layer.provide([repo, UnsealedRecords.layer])))
    )
  })

describe("AuditLog.append", () => {
  it.effect.each([1, 2, 4])(
    "finds the answer under a key that others have taken %i times meanwhile",
    (times) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* appendTo(times), known)
      })
  )
})

import { Console, Effect, Schema } from "effect"
import { Command } from "effect/cli"
import { AuditVerifier, toVerificationMessage } from "../audit/AuditVerifier.ts"
import { toReceiptHead } from "../audit/Receipt.ts"
import { Receipts } from "../audit/Receipts.ts"
import * as AuditExport from "./AuditExport.ts"
import { jsonFlag } from "./arguments/JsonFlag.ts"
import * as Table from "./view/Table.ts"

/** A record, a hash or a signature of the audit is wrong. */
export class AuditVerificationFailed extends Schema.TaggedError<AuditVerificationFailed>()(
  "AuditVerificationFailed",
  {
    records: Schema.Int,
    auditId: Schema.optionalKey(Schema.String),
    reason: Schema.String
  }
) {
  override get message(): string {
    const record = this.auditId === undefined ? "" : ` at the record ${this.auditId}`
    return `Audit verification failed after ${this.records} valid records${record}: ${this.reason}`
  }
}

const verify = Command.make(
  "verify",
  { json: jsonFlag },
  Effect.fn(function* (input) {
    const verifier = yield* AuditVerifier
    const verification = yield* verifier.verify
    if (!verification.ok) {
      const { auditId, reason, records } = verification
      return yield* new AuditVerificationFailed({
        records,
        reason,
        ...(auditId === undefined ? {} : { auditId })
      })
    }
    const message = toVerificationMessage(verification)
    yield* Console.log(input.json ? JSON.stringify(message) : Table.render(message))
  })
).pipe(
  Command.withDescription(
    "Recompute the whole audit. Exits with 1 and reports the first record that is wrong"
  )
)

const HEADS_PAGE_SIZE = 1000

const heads = Command.make(
  "heads",
  {},
  Effect.fn(function* () {
    const receipts = yield* Receipts
    let after = 0
    for (;;) {
      const page = yield* receipts.headsAfter(after, HEADS_PAGE_SIZE)
      for (const head of page) yield* Console.log(JSON.stringify(toReceiptHead(head)))
      if (page.length < HEADS_PAGE_SIZE) return
      after = page.at(-1)?.treeSize ?? after
    }
  })
).pipe(
  Command.withDescription(
    "Print the signed heads as NDJSON. Keep copies elsewhere to detect a rewritten audit"
  )
)

export const command = Command.make("audit").pipe(
  Command.withDescription("Verify that no conversion was changed"),
  Command.withSubcommands([verify, AuditExport.command, heads])
)

import { Console, Effect, Schema } from "effect"
import { Command } from "effect/cli"
import { AuditVerifier, verificationFields } from "../audit/AuditVerifier.ts"
import { toReceiptHead } from "../audit/Receipt.ts"
import { Receipts } from "../audit/Receipts.ts"
import * as CommandArguments from "./CommandArguments.ts"
import * as Table from "./view/Table.ts"

/** The audit does not fit. */
export class AuditBroken extends Schema.TaggedError<AuditBroken>()("AuditBroken", {
  records: Schema.Int,
  auditId: Schema.optionalKey(Schema.String),
  reason: Schema.String
}) {
  override get message(): string {
    const where = this.auditId === undefined ? "" : ` The first record that does not fit is ${this.auditId}:`
    return `The audit is broken after ${this.records} records.${where} ${this.reason}`
  }
}

const verify = Command.make(
  "verify",
  { json: CommandArguments.json },
  Effect.fn(function* (input) {
    const verifier = yield* AuditVerifier
    const found = yield* verifier.verify
    if (!found.ok) {
      const { auditId, reason, records } = found
      return yield* new AuditBroken({ records, reason, ...(auditId === undefined ? {} : { auditId }) })
    }
    const fields = verificationFields(found)
    yield* Console.log(input.json ? JSON.stringify(fields) : Table.render(fields))
  })
).pipe(
  Command.withDescription(
    "Compute the whole audit anew; ends with 1 and names the first record that does not fit"
  )
)

const PAGE = 1000

const heads = Command.make(
  "heads",
  {},
  Effect.fn(function* () {
    const receipts = yield* Receipts
    let after = 0
    for (;;) {
      const page = yield* receipts.headsAfter(after, PAGE)
      for (const head of page) yield* Console.log(JSON.stringify(toReceiptHead(head)))
      if (page.length < PAGE) return
      after = page.at(-1)?.treeSize ?? after
    }
  })
).pipe(Command.withDescription("Print the signed heads, one JSON object a line, to be kept elsewhere"))

/** `effex audit`: what proves the conversions. */
export const command = Command.make("audit").pipe(
  Command.withDescription("Prove that no conversion was changed"),
  Command.withSubcommands([verify, heads])
)

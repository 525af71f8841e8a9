import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { toReceiptHead } from "../audit/Receipt.ts"
import { Receipts } from "../audit/Receipts.ts"
import * as AuditExport from "./AuditExport.ts"
import * as AuditKeys from "./AuditKeys.ts"
import * as AuditVerify from "./AuditVerify.ts"

const HEADS_PAGE_SIZE = 1000

const heads = Command.make(
  "heads",
  {
    after: Flag.Int("after").pipe(
      Flag.withDescription("Print only heads of more records than this, such as those since the last copy"),
      Flag.filter(
        (size) => size >= 0,
        () => "it must not be negative"
      ),
      Flag.withDefault(0)
    )
  },
  Effect.fn(function* (input) {
    const receipts = yield* Receipts
    let { after } = input
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
  Command.withSubcommands([
    AuditVerify.command,
    AuditExport.command,
    heads,
    AuditKeys.list,
    AuditKeys.rotate,
    AuditKeys.replaceLost
  ])
)

import { Array, Effect, Option, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { toReceiptHead } from "../../audit/Receipt.ts"
import { Receipts } from "../../audit/Receipts.ts"
import * as AuditExport from "./AuditExport.ts"
import * as AuditKeys from "./AuditKeys.ts"
import * as AuditVerify from "./AuditVerify.ts"
import * as StandardOutput from "../StandardOutput.ts"

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
  Effect.fn(function* ({ after }) {
    const receipts = yield* Receipts
    const lines = Stream.paginate(after, (size) =>
      Effect.map(receipts.headsAfter(size, HEADS_PAGE_SIZE), (page) => [
        page.map((head) => `${JSON.stringify(toReceiptHead(head))}\n`),
        page.length < HEADS_PAGE_SIZE
          ? Option.none()
          : Option.map(Array.last(page), ({ treeSize }) => treeSize)
      ])
    )
    yield* StandardOutput.write(lines)
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

import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { AuditFeed } from "../../audit/AuditFeed.ts"
import * as AuditEncoding from "../../server/encoding/AuditEncoding.ts"
import * as Export from "../../server/encoding/Export.ts"
import { commandError } from "../CommandError.ts"
import * as StandardOutput from "../StandardOutput.ts"

/** `effex audit export`: the sealed records in order, read from the database. */
export const command = Command.make(
  "export",
  {
    after: Flag.Int("after").pipe(
      Flag.withDescription("Position of the last record that you have; 0 for all"),
      Flag.filter(
        (position) => position >= 0,
        () => "it must be 0 or more"
      ),
      Flag.withDefault(0)
    ),
    format: Flag.Literals("format", ["ndjson", "csv"]).pipe(
      Flag.withDescription("ndjson can be verified; csv is for spreadsheets and cannot"),
      Flag.withDefault("ndjson")
    ),
    follow: Flag.Boolean("follow").pipe(
      Flag.withDescription("Keep running, and print each record when it is sealed"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* ({ after, follow, format }) {
    const feed = yield* AuditFeed
    const entries = follow ? feed.follow({}, after) : feed.streamAfter({}, after)
    yield* StandardOutput.write(Export.encode(format, AuditEncoding.LAYOUT, entries)).pipe(
      Effect.catchTag("PositionNotFound", ({ message }) => commandError(`--after ${message}`))
    )
  })
).pipe(
  Command.withDescription("Print the sealed records in order, oldest first"),
  Command.withExamples([
    { command: "effex audit export > audit.ndjson", description: "Everything, in the provable format" },
    {
      command: "effex audit export --after 1042 --follow",
      description: "Records after position 1042, as they are sealed"
    }
  ])
)

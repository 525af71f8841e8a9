import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, DateTime, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Archive } from "../../platform/postgres/archive/Archive.ts"
import * as ArchiveFiles from "../../platform/postgres/archive/ArchiveFiles.ts"
import type { ArchiveManifest } from "../../platform/postgres/archive/ArchiveManifest.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as Table from "../view/Table.ts"

const partition = Argument.String("partition").pipe(
  Argument.withDescription("The month, as `effex archive list` prints it, such as exchange_rate_2019_03")
)
const from = Flag.String("from").pipe(Flag.withDescription("The folder of the archive"))
const json = jsonFlag

const print = (manifest: ArchiveManifest, isJson: boolean, done: string) => {
  const { content, file, partition: name } = manifest
  return Console.log(
    isJson
      ? JSON.stringify(manifest)
      : [
          done,
          Table.render({
            partition: name,
            rows: content.rows,
            file,
            digest: content.digest,
            file_digest: manifest.fileDigest
          })
        ].join("\n")
  )
}

const list = Command.make(
  "list",
  { json },
  Effect.fn(function* ({ json }) {
    const months = (yield* (yield* Archive).list).map(({ bytes, partition, rows, start, state }) => ({
      partition,
      start: DateTime.formatIsoDateUtc(start),
      state,
      rows: rows ?? null,
      bytes: Number(bytes)
    }))
    yield* Console.log(json ? JSON.stringify(months) : Table.renderRows(months))
  })
).pipe(
  Command.withDescription("List the months of rates: attached, detached or dropped; sizes are estimates")
)

const exportMonth = Command.make(
  "export",
  { partition, to: Flag.String("to").pipe(Flag.withDescription("The folder to write to")), json },
  Effect.fn(function* ({ json, partition, to }) {
    const manifest = yield* (yield* Archive).export(partition, to)
    yield* print(manifest, json, `Exported and verified. ${partition} is still in the database`)
  })
).pipe(
  Command.withDescription(
    "Write a past month and its manifest into a folder, and verify them. Changes nothing"
  )
)

const verify = Command.make(
  "verify",
  { folder: Argument.String("folder").pipe(Argument.withDescription("The folder of the archive")), json },
  Effect.fn(function* ({ folder, json }) {
    const manifests = yield* ArchiveFiles.verifyAll(folder)
    if (json) return yield* Console.log(JSON.stringify(manifests))
    yield* Console.log(
      Table.renderRows(
        manifests.map(({ content, partition }) => ({ partition, rows: content.rows, digest: content.digest }))
      )
    )
  })
).pipe(
  Command.withDescription(
    "Recompute digests and counts of every archive in a folder. Exits with 1 if one does not fit its manifest"
  )
)

const detach = Command.make(
  "detach",
  { partition, from, json },
  Effect.fn(function* ({ from, json, partition }) {
    const manifest = yield* (yield* Archive).detach(partition, from, yield* commandLineUser)
    yield* print(manifest, json, `Detached. The rows are still in the table ${partition}, until you drop it`)
  })
).pipe(
  Command.withDescription(
    "Detach the oldest month. Refused unless the archive has exactly its rows and nothing refers to them"
  )
)

const drop = Command.make(
  "drop",
  { partition, from, json },
  Effect.fn(function* ({ from, json, partition }) {
    const manifest = yield* (yield* Archive).drop(partition, from)
    yield* print(manifest, json, `Dropped. The archive is now the only copy of ${partition}`)
  })
).pipe(
  Command.withDescription(
    "Drop the table of a detached month. Refused unless the archive has exactly its rows"
  )
)

const restore = Command.make(
  "restore",
  { partition, from, json },
  Effect.fn(function* ({ from, json, partition }) {
    const manifest = yield* (yield* Archive).restore(partition, from)
    yield* print(manifest, json, `Restored. The database has exactly the rows of the archive`)
  })
).pipe(Command.withDescription("Attach the newest archived month again, from its table or from the archive"))

/** `effex archive`: moves old months of rates out of the database, with the proof that nothing is lost. */
export const command = Command.make("archive").pipe(
  Command.withDescription("Export, detach and restore old months of rates, and prove that nothing is lost"),
  Command.withSubcommands([list, exportMonth, verify, detach, drop, restore]),
  Command.provide(NodeServices.layer)
)

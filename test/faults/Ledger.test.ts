import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { fileURLToPath } from "node:url"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as ChildProgram from "../support/ChildProgram.ts"
import * as LedgerWriter from "../support/LedgerWriter.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestSettings from "../support/TestSettings.ts"
import * as Workload from "../support/Workload.ts"

/** Number of kills in a row; `EFFEX_KILLS` overrides it. */
const KILLS = Number(process.env["EFFEX_KILLS"] ?? 3)
const ACKNOWLEDGED_BEFORE_KILL = 300
const WRITER = fileURLToPath(new URL("../support/LedgerWriter.ts", import.meta.url))

it.live(
  "kill -9 of two ledger writers loses no acknowledged posting, and a retry of every key posts it once",
  () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.create
      const services = Layer.mergeAll(Ledger.layer, LedgerVerifier.layer).pipe(
        Layer.provideMerge(Database.layer),
        Layer.provide(TestSettings.layer({ DATABASE_URL: url }))
      )
      yield* Effect.gen(function* () {
        const { post } = yield* Ledger
        const { accounts } = yield* Postings.openFunded(
          "USD",
          Array.from({ length: 8 }, () => "1000")
        )
        const acknowledged = new Map<string, string>()
        const sent = new Set<string>()
        const parse = (output: string) => {
          // The last line may be cut.
          for (const line of output.split("\n").slice(0, -1)) {
            const [event, key = "", outcome = ""] = line.split(" ")
            if (event === "sent") sent.add(key)
            if (event === "done") acknowledged.set(key, outcome)
          }
        }
        for (let round = 1; round <= KILLS; round++) {
          const writers = yield* Effect.forEach([1, 2], (n) =>
            ChildProgram.runProgram(process.execPath, [WRITER, `${round}${n}`, ...accounts], {
              DATABASE_URL: url
            })
          )
          for (const writer of writers) {
            const hasEnough = yield* Deferred.make<void>()
            let remaining = ACKNOWLEDGED_BEFORE_KILL
            writer.process.stdout?.on("data", (chunk: Buffer) => {
              remaining -= chunk.toString().split("done ").length - 1
              if (remaining <= 0) Deferred.doneUnsafe(hasEnough, Effect.void)
            })
            yield* Effect.timeout(Deferred.await(hasEnough), "1 minute").pipe(
              Effect.tapError(() => Effect.sync(() => assert.fail(writer.output())))
            )
          }
          for (const writer of writers) {
            writer.process.kill("SIGKILL")
            yield* writer.ended
            parse(writer.stdout())
          }
        }

        const unknown = sent.size - acknowledged.size
        const keys = Array.from(sent)
        const outcomes = yield* post(keys.map((key) => LedgerWriter.postingOf(accounts, key)))
        let different = 0
        let replayed = 0
        keys.forEach((key, i) => {
          const first = acknowledged.get(key)
          if (outcomes[i]?.replayed === true) replayed++
          if (first !== undefined && first !== LedgerWriter.format(outcomes[i])) different++
        })
        assert.strictEqual(different, 0)
        assert.isAtLeast(replayed, acknowledged.size)
        const { sql } = yield* Database
        const [stored] = yield* sql<{ outcomes: number; transfers: number; posted: number }>`
          SELECT (SELECT count(*) FROM ledger_outcome)::int AS outcomes,
            (SELECT count(*) FROM ledger_outcome WHERE outcome = 'posted')::int AS posted,
            (SELECT count(*) FROM ledger_transfer)::int - ${accounts.length} AS transfers`
        assert.strictEqual(stored?.outcomes, sent.size)
        assert.strictEqual(stored?.transfers, stored?.posted)
        const verification = yield* (yield* LedgerVerifier).verify
        assert.isTrue(verification.ok, JSON.stringify(verification))
        yield* Workload.report(
          `kill -9 of two ledger writers ${KILLS} times: ${acknowledged.size} acknowledged, ${unknown} unknown of which ${replayed - acknowledged.size} were posted or refused before; 0 lost, 0 doubled, 0 different`
        )
      }).pipe(Effect.provide(services))
    }).pipe(Effect.scoped),
  120_000 + KILLS * 60_000
)

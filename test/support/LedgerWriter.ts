import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Layer } from "effect"
import { Settings } from "../../src/config/Settings.ts"
import { LedgerAccountId } from "../../src/domain/ledger/LedgerAccount.ts"
import type { PostOutcome } from "../../src/domain/ledger/PostOutcome.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "./Postings.ts"

/** The posting of a key: the same for each attempt, but with a transfer id of its own. */
export const postingOf = (accounts: ReadonlyArray<LedgerAccountId>, key: string) => {
  const number = Number(key.replace(/\D/g, ""))
  const from = accounts[number % accounts.length]
  const to = accounts[(number >> 3) % accounts.length]
  if (from === undefined || to === undefined) throw new Error("no accounts")
  return Postings.move(from, to, `${1 + (number % 90)}.${10 + (number % 89)}`, { key })
}

/** A line that is the same for the first posting of a key and for its replays. */
export const format = (outcome: PostOutcome | undefined): string => {
  if (outcome?._tag === "Posted") return `Posted:${outcome.id}`
  if (outcome?._tag === "InsufficientFunds") return `InsufficientFunds:${outcome.account}`
  return outcome?._tag ?? "none"
}

/** Posts with 24 callers until it is killed. Prints each key before it is sent, and with its outcome afterwards. */
const write = (round: string, accounts: ReadonlyArray<LedgerAccountId>) =>
  Effect.gen(function* () {
    const { post } = yield* Ledger
    yield* Effect.forEach(
      Array.from({ length: 24 }, (_, writer) => writer),
      (writer) => {
        let number = writer
        return Effect.gen(function* () {
          const key = `${round}${String(number).padStart(7, "0")}`
          number += 24
          process.stdout.write(`sent ${key}\n`)
          const [outcome] = yield* post([postingOf(accounts, key)])
          process.stdout.write(`done ${key} ${format(outcome)}\n`)
        }).pipe(Effect.forever)
      },
      { concurrency: "unbounded" }
    )
  }).pipe(Effect.provide(Ledger.layer.pipe(Layer.provide(Database.layer), Layer.provide(Settings.layer))))

if (import.meta.main) {
  const [, , round = "", ...ids] = process.argv
  NodeRuntime.runMain(
    write(
      round,
      ids.map((id) => LedgerAccountId.make(id))
    )
  )
}

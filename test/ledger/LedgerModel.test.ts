import { assert, layer } from "@effect/vitest"
import { BigDecimal, Context, Effect, Exit, Layer, Option, Schema } from "effect"
import type { LedgerAccountId } from "../../src/domain/ledger/LedgerAccount.ts"
import type { LedgerPosting } from "../../src/domain/ledger/LedgerPosting.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { ACCOUNTS, Command, HOLDS, LedgerModel, START } from "./LedgerModel.ts"

const cents = (value: number) => BigDecimal.make(BigInt(value), 2)
const show = (outcome: { readonly _tag: string; readonly replayed: boolean }) =>
  outcome.replayed ? `${outcome._tag} again` : outcome._tag

/** Turns commands into postings of one run. */
const translator = (accounts: ReadonlyArray<LedgerAccountId>, run: string) => {
  const holds = Array.from({ length: HOLDS }, () => Postings.holdId())
  const owners = new Map<number, number>()
  const idOf = (i: number) => accounts[i] ?? assert.fail("no such account")
  const holdOf = (i: number) => holds[i] ?? assert.fail("no such hold")
  const entry = (i: number, value: number) => ({ account: idOf(i), amount: cents(value) })
  return (command: Command): LedgerPosting => {
    switch (command.type) {
      case "move": {
        const { amount, from, key, to } = command
        const options = key === null ? {} : { key: `${run} ${key}`, hash: JSON.stringify([from, to, amount]) }
        return { ...Postings.empty(options), entries: [entry(from, -amount), entry(to, amount)] }
      }
      case "split": {
        const [x, y] = command.amounts
        const [to, other] = command.to
        return { ...Postings.empty(), entries: [entry(command.from, -x - y), entry(to, x), entry(other, y)] }
      }
      case "hold":
        owners.set(command.hold, command.account)
        return {
          ...Postings.empty(),
          opens: [
            { holdId: holdOf(command.hold), account: idOf(command.account), amount: cents(command.amount) }
          ]
        }
      case "capture": {
        const owner = owners.get(command.hold) ?? command.to
        return {
          ...Postings.empty(),
          entries: [entry(owner, -command.amount), entry(command.to, command.amount)],
          ends: [{ holdId: holdOf(command.hold), outcome: "posted", posted: cents(command.amount) }]
        }
      }
      case "void":
        return {
          ...Postings.empty(),
          ends: [{ holdId: holdOf(command.hold), outcome: "voided", posted: cents(0) }]
        }
    }
  }
}

const setUp = Effect.map(
  Postings.openFunded(
    "USD",
    Array.from({ length: ACCOUNTS }, () => "10")
  ),
  ({ accounts }) => accounts
)

const stateOf = (accounts: ReadonlyArray<LedgerAccountId>) =>
  Effect.flatMap(Ledger, ({ accountById }) =>
    Effect.forEach(accounts, (id) =>
      Effect.map(accountById(id), (found) => {
        const { available, balance } = Option.getOrThrow(found)
        return [balance, available].map((value) => Number(BigDecimal.scale(value, 2).value))
      })
    )
  )

/** Holds that are ended in the batch that opens them are not found, so these commands are posted apart. */
const batches = (commands: ReadonlyArray<Command>) => {
  const result: Array<Array<Command>> = [[]]
  for (const command of commands) {
    const last = result.at(-1) ?? []
    if (command.type === "capture" || command.type === "void" || command.type === "hold")
      result.push([command], [])
    else last.push(command)
  }
  return result.filter(({ length }) => length > 0)
}

let run = 0

const play = Effect.fnUntraced(function* (commands: ReadonlyArray<Command>) {
  const { post } = yield* Ledger
  const accounts = yield* setUp
  const model = new LedgerModel()
  const translate = translator(accounts, `run ${run++}`)
  for (const batch of batches(commands)) {
    // A hold is opened once.
    const postable = batch.filter((command) => command.type !== "hold" || !model.holds.has(command.hold))
    const expected = postable.map((command) => model.run(command))
    const outcomes = yield* post(postable.map(translate))
    assert.deepStrictEqual(outcomes.map(show), expected, JSON.stringify(postable))
  }
  assert.deepStrictEqual(
    yield* stateOf(accounts),
    model.balances.map((balance, i) => [balance, model.available(i)])
  )
})

/** A sequence of transfers that is the same in each run. */
const transfers = Array.from({ length: 900 }, (_, i) => {
  const chance = (i * 7919 + 104_729) % 100_003
  return {
    from: chance % ACCOUNTS,
    to: (chance >> 3) % ACCOUNTS,
    amount: 1 + (chance % 50),
    key: chance % 150
  }
})

layer(Layer.mergeAll(Ledger.layer, LedgerVerifier.layer).pipe(Layer.provideMerge(TestDatabase.layer())), {
  excludeTestServices: true
})("Ledger", (it) => {
  it.effect.prop(
    "agrees with a model in integers, for any transfers, splits, holds and repeated keys",
    [Schema.Array(Command)],
    ([commands]) => play(commands),
    { arbitrary: { runs: 100, size: 40 } }
  )

  it.effect(
    "posts each key once from several nodes, and never deadlocks on transfers in both directions",
    () =>
      Effect.gen(function* () {
        const accounts = yield* setUp
        // Each has a batcher of its own, as each node has.
        const ledgers = yield* Effect.forEach([1, 2, 3], () =>
          Effect.map(Layer.build(Layer.fresh(Ledger.layer)), Context.get(Ledger))
        )
        const translate = translator(accounts, "concurrent")
        const exits = yield* Effect.forEach(
          transfers,
          (transfer, i) => {
            const ledger = ledgers[i % ledgers.length] ?? assert.fail("no ledger")
            return Effect.exit(ledger.post([translate({ type: "move", ...transfer })]))
          },
          { concurrency: 64 }
        )
        assert.deepStrictEqual(exits.filter(Exit.isFailure), [])
        const posted = exits.filter(
          (exit) => Exit.isSuccess(exit) && exit.value[0]?._tag === "Posted" && !exit.value[0].replayed
        )
        const { sql } = yield* Database
        const [row] = yield* sql<{ count: number }>`
          SELECT count(*)::int AS count FROM ledger_outcome WHERE outcome = 'posted' AND key LIKE 'concurrent %'`
        assert.strictEqual(posted.length, row?.count)
        const total = (yield* stateOf(accounts)).reduce((sum, [balance = 0]) => sum + balance, 0)
        assert.strictEqual(total, ACCOUNTS * START)
      })
  )

  it.effect("verifies afterwards", () =>
    Effect.gen(function* () {
      const verification = yield* (yield* LedgerVerifier).verify
      assert.isTrue(verification.ok, JSON.stringify(verification))
    })
  )
})

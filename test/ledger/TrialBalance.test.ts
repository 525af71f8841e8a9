import { assert, layer } from "@effect/vitest"
import { Array, DateTime, Effect, Layer } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import type { TrialBalanceRow } from "../../src/domain/ledger/LedgerTransfer.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { ACCOUNTS_PER_PAGE } from "../../src/ledger/LedgerHistory.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as Postings from "../support/Postings.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const shown = (rows: ReadonlyArray<TrialBalanceRow>) =>
  rows.map(({ accounts, asset, balance, role }) => [asset, role, Number(accounts), Decimal.format(balance)])

layer(Ledger.layer.pipe(Layer.provideMerge(TestDatabase.layer())), { excludeTestServices: true })(
  "trial balance",
  (it) => {
    it.effect("sums all accounts, now and at a time, also if they are more than one statement reads", () =>
      Effect.gen(function* () {
        const { post, trialBalance } = yield* Ledger
        const { execute, sql } = yield* Database
        const amounts = Array.makeBy(ACCOUNTS_PER_PAGE + 1, () => "10" as const)
        const { accounts } = yield* Postings.openFunded("USD", amounts)
        yield* Postings.openFunded("EUR", ["3"])
        const [row] = yield* execute(sql<{ now: Date }>`SELECT clock_timestamp() AS now`)
        const time = DateTime.fromDateUnsafe(row?.now ?? assert.fail())
        const [first, last] = [accounts[0], accounts[ACCOUNTS_PER_PAGE]]
        assert(first !== undefined && last !== undefined)
        yield* post([Postings.move(first, last, "4")])
        const expected = [
          ["EUR", "funding", 1, "-3"],
          ["EUR", "user", 1, "3"],
          ["USD", "funding", 1, `-${amounts.length * 10}`],
          ["USD", "user", amounts.length, String(amounts.length * 10)]
        ]
        assert.deepStrictEqual(shown(yield* trialBalance(time)), expected)
        assert.deepStrictEqual(shown(yield* trialBalance(undefined)), expected)
        const early = DateTime.subtract(time, { days: 1 })
        assert.deepStrictEqual(
          shown(yield* trialBalance(early)).map(([, , , balance]) => balance),
          ["0", "0", "0", "0"]
        )
      })
    )
  }
)

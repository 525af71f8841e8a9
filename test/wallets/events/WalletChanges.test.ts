import { assert, layer } from "@effect/vitest"
import { BigDecimal, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { TestClock } from "effect/testing"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { HoldId, type LedgerPosting, TransferId } from "../../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import { UserEvents } from "../../../src/wallets/events/UserEvents.ts"
import { walletAccount, Wallets } from "../../../src/wallets/Wallets.ts"
import * as TestUserEvents from "../../support/TestUserEvents.ts"
import * as TestWallets from "../../support/TestWallets.ts"

/** Opens a hold in one posting, and ends it in another that names no account. */
const postings = Effect.fnUntraced(function* (account: LedgerPosting["entries"][number]["account"]) {
  const random = yield* SecureRandom.SecureRandom
  const holdId = HoldId.make(yield* random.uuidV7())
  const amount = BigDecimal.fromBigInt(4n)
  const posting = (id: string, fields: Partial<LedgerPosting>): LedgerPosting => ({
    id: TransferId.make(id),
    kind: "withdrawal",
    details: {},
    entries: [],
    opens: [],
    ends: [],
    ...fields
  })
  const end = { holdId, outcome: "voided", posted: BigDecimal.fromBigInt(0n) } as const
  return [
    posting(yield* random.uuidV7(), { opens: [{ holdId, account, amount }] }),
    posting(yield* random.uuidV7(), { ends: [end] })
  ] as const
})

// The clock of the test stands still, so that nothing is polled after the first time.
layer(TestUserEvents.layer.pipe(Layer.provideMerge(TestWallets.layer())))("Changes of a wallet", (it) => {
  it.effect("wake the readers of this node after the commit, without a poll", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const ledger = yield* Ledger
      const { record } = yield* SecurityEvents
      const wallet = yield* TestWallets.user("amara", { USD: "10" })
      const [account] = yield* (yield* Wallets).accountIds([walletAccount(wallet.id, AssetCode.make("USD"))])
      if (account === undefined) return assert.fail("no account")
      const { text } = yield* TestUserEvents.open(wallet)
      assert.strictEqual(yield* text, "Snapshot USD 10 0 10")
      const [opened, ended] = yield* postings(account)
      yield* ledger.post([opened])
      assert.strictEqual(yield* text, "Balance USD 10 4 6")
      yield* sql.withTransaction(ledger.postWithin([ended]))
      assert.strictEqual(yield* text, "Balance USD 10 0 10")
      // The first balance of an asset is on a new account.
      yield* TestWallets.fund(wallet, "7", "EUR")
      assert.strictEqual(yield* text, "Transaction EUR 7")
      assert.strictEqual(yield* text, "Balance EUR 7 0 7")
      yield* sql.withTransaction(record(wallet.userId, { event: "locked" }))
      assert.strictEqual(yield* text, "Security locked")
    })
  )

  it.effect("that nothing announced are found by a poll, which runs only while there are readers", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      const { contact } = yield* UserEvents
      const wallet = yield* TestWallets.user("bola", { USD: "10" })
      const commit = sql`INSERT INTO security_event (user_id, at, event) VALUES (${wallet.userId}, now(), 'unlocked')`
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { text } = yield* TestUserEvents.open(wallet)
          yield* text
          yield* commit
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* text, "Security unlocked")
        })
      )
      assert.strictEqual(contact()?.at.epochMilliseconds, 1000)
      for (let i = 0; i < 3; i++) {
        yield* TestClock.adjust("1 second")
        yield* sql`SELECT 1`
      }
      assert.strictEqual(contact()?.at.epochMilliseconds, 1000)
    })
  )
})

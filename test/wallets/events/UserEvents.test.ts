import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { SecurityEvents } from "../../../src/accounts/SecurityEvents.ts"
import { HoldId, type LedgerPosting, TransferId } from "../../../src/domain/ledger/LedgerPosting.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import * as EventPosition from "../../../src/domain/wallets/EventPosition.ts"
import { Ledger } from "../../../src/ledger/Ledger.ts"
import { Database } from "../../../src/platform/postgres/Database.ts"
import type { UserEvent } from "../../../src/wallets/events/UserEvent.ts"
import { Statement } from "../../../src/wallets/Statement.ts"
import { Transfers } from "../../../src/wallets/Transfers.ts"
import type { NamedWallet } from "../../../src/wallets/WalletRepo.ts"
import { walletAccount, Wallets } from "../../../src/wallets/Wallets.ts"
import * as TestUserEvents from "../../support/TestUserEvents.ts"
import * as TestWallets from "../../support/TestWallets.ts"

const send = Effect.fnUntraced(function* (from: NamedWallet, to: NamedWallet, amount = "1", code = "USD") {
  const money = yield* TestWallets.money(amount, code)
  const owner = `user:${from.userId}`
  return yield* (yield* Transfers).send({
    from,
    to: to.id,
    money,
    note: null,
    owner,
    key: undefined
  })
})

const record = (wallet: NamedWallet) =>
  Effect.flatMap(Effect.all([SecurityEvents, Database]), ([{ record }, { execute, sql }]) =>
    execute(sql.withTransaction(record(wallet.userId, { event: "locked" })))
  )

/** Creates a posting with holds only. */
const holds = Effect.fnUntraced(function* (changes: Partial<Pick<LedgerPosting, "opens" | "ends">>) {
  const random = yield* SecureRandom.SecureRandom
  const posting: LedgerPosting = {
    id: TransferId.make(yield* random.uuidV7()),
    kind: "withdrawal",
    details: {},
    entries: [],
    opens: [],
    ends: [],
    ...changes
  }
  return posting
})

const hold = Effect.fnUntraced(function* (wallet: NamedWallet, amount: string, expiresAt?: DateTime.Utc) {
  const random = yield* SecureRandom.SecureRandom
  const [account] = yield* (yield* Wallets).accountIds([walletAccount(wallet.id, AssetCode.make("USD"))])
  if (account === undefined) return assert.fail("no account")
  const holdId = HoldId.make(yield* random.uuidV7())
  const opening = { holdId, account, amount: BigDecimal.fromStringUnsafe(amount), expiresAt }
  yield* (yield* Ledger).post([yield* holds({ opens: [opening] })])
  return holdId
})

let users = 0
const user = (balances: Readonly<Record<string, string>> = { USD: "1000" }) =>
  TestWallets.user(`user-${users++}`, balances)

layer(TestUserEvents.layer.pipe(Layer.provideMerge(TestWallets.layer())), { excludeTestServices: true })(
  "The events of a user",
  (it) => {
    it.effect("start with a snapshot, followed by the transactions and balances of both sides", () =>
      Effect.gen(function* () {
        const [from, to] = [yield* user({ USD: "10", EUR: "5" }), yield* user({})]
        const sender = yield* TestUserEvents.open(from)
        const receiver = yield* TestUserEvents.open(to)
        assert.strictEqual(yield* sender.text, "Snapshot EUR 5 0 5 USD 10 0 10")
        assert.strictEqual(yield* receiver.text, "Snapshot")
        const { id } = yield* send(from, to, "2.50")
        const posted = yield* sender.next
        assert.strictEqual(TestUserEvents.textOf(posted), "Transaction USD -2.5")
        if (posted._tag === "Transaction")
          assert.deepInclude(posted.row, { id, kind: "transfer", counterparty: to.username })
        assert.strictEqual(yield* sender.text, "Balance USD 7.5 0 7.5")
        assert.strictEqual(yield* receiver.text, "Transaction USD 2.5")
        assert.strictEqual(yield* receiver.text, "Balance USD 2.5 0 2.5")
      })
    )

    it.effect("include security events, but not for an API key that acts for the user", () =>
      Effect.gen(function* () {
        const wallet = yield* user()
        const own = yield* TestUserEvents.open(wallet)
        const ofKey = yield* TestUserEvents.open(wallet, { includesSecurity: false })
        yield* Effect.all([own.next, ofKey.next])
        yield* record(wallet)
        assert.strictEqual(yield* own.text, "Security locked")
        yield* send(wallet, yield* user())
        assert.strictEqual(yield* own.text, "Transaction USD -1")
        assert.strictEqual(yield* ofKey.text, "Transaction USD -1")
      })
    )

    it.effect("show a hold that opens, ends or expires as a changed balance", () =>
      Effect.gen(function* () {
        const wallet = yield* user({ USD: "10" })
        const { text } = yield* TestUserEvents.open(wallet)
        assert.strictEqual(yield* text, "Snapshot USD 10 0 10")
        const holdId = yield* hold(wallet, "4")
        assert.strictEqual(yield* text, "Balance USD 10 4 6")
        const ending = { holdId, outcome: "voided" as const, posted: BigDecimal.fromBigInt(0n) }
        yield* (yield* Ledger).post([yield* holds({ ends: [ending] })])
        assert.strictEqual(yield* text, "Balance USD 10 0 10")
        yield* hold(wallet, "3", DateTime.add(yield* DateTime.now, { milliseconds: 300 }))
        assert.strictEqual(yield* text, "Balance USD 10 3 7")
        // Nobody writes anything: the time of the hold is over.
        assert.strictEqual(yield* text, "Balance USD 10 0 10")
      })
    )

    it.effect("include what a caller posts in an open transaction, after the commit only", () =>
      Effect.gen(function* () {
        const wallet = yield* user({ USD: "10" })
        const { execute, sql } = yield* Database
        const ledger = yield* Ledger
        const heard: Array<string> = []
        yield* ledger.listen((postings) => heard.push(...postings.map(({ id }) => id)))
        const { text } = yield* TestUserEvents.open(wallet)
        yield* text
        const [account = ""] = yield* (yield* Wallets).accountIds([
          walletAccount(wallet.id, AssetCode.make("USD"))
        ])
        if (account === "") return assert.fail("no account")
        const opening = (amount: string) =>
          Effect.gen(function* () {
            const holdId = HoldId.make(yield* (yield* SecureRandom.SecureRandom).uuidV7())
            return yield* holds({ opens: [{ holdId, account, amount: BigDecimal.fromStringUnsafe(amount) }] })
          })
        const rolledBack = ledger.postWithin([yield* opening("1")])
        yield* Effect.flip(sql.withTransaction(Effect.andThen(rolledBack, Effect.fail("rolled back"))))
        assert.deepStrictEqual(heard, [])
        const posting = yield* opening("2")
        yield* execute(sql.withTransaction(ledger.postWithin([posting])))
        assert.deepStrictEqual(heard, [posting.id])
        assert.strictEqual(yield* text, "Balance USD 10 2 8")
      })
    )

    it.effect("resume without loss or duplicates during 200 concurrent transfers", () =>
      Effect.gen(function* () {
        const [amara, bola, chidi] = [yield* user(), yield* user(), yield* user()]
        const pairs: ReadonlyArray<readonly [NamedWallet, NamedWallet]> = [
          [amara, bola],
          [bola, amara],
          [chidi, amara],
          [bola, chidi]
        ]
        const first = yield* (yield* TestUserEvents.open(amara)).next
        yield* Effect.forkScoped(
          Effect.forEach(
            Array.from({ length: 200 }, (_, i) => pairs[i % pairs.length] ?? pairs[0]),
            (pair) => (pair === undefined ? Effect.void : send(...pair)),
            { concurrency: 20, discard: true }
          )
        )
        const received: Array<UserEvent & { readonly _tag: "Transaction" }> = []
        let position = first.position
        let connections = 0
        while (received.length < 150) {
          // Disconnects in the middle of what it receives: the position is that of the last event that it has.
          connections++
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { next } = yield* TestUserEvents.open(amara, { since: position })
              for (let i = 0; i < 1 + (connections % 7) && received.length < 150; i++) {
                const event = yield* next
                position = EventPosition.parse(EventPosition.format(event.position)).pipe((parsed) =>
                  parsed._tag === "Some" ? parsed.value : assert.fail("not a position")
                )
                if (event._tag === "Transaction") received.push(event)
                assert.notStrictEqual(event._tag, "Gap")
              }
            })
          )
        }
        assert.isAbove(connections, 20)
        const { rows } = yield* (yield* Statement).page(amara.id, { type: "transfer" }, undefined, 1000)
        const name = ({ account, version }: (typeof rows)[number]) => `${account} ${version}`
        assert.deepStrictEqual(
          received.map(({ row }) => name(row)),
          rows.map(name).toReversed()
        )
      })
    )

    it.effect("begin with a gap at a position of another wallet, of other events, or of the future", () =>
      Effect.gen(function* () {
        const wallet = yield* user()
        const { position } = yield* (yield* TestUserEvents.open(wallet)).next
        const [[account, version] = assert.fail("no version")] = position.versions
        const foreign = [
          (yield* (yield* TestUserEvents.open(yield* user())).next).position,
          (yield* (yield* TestUserEvents.open(wallet, { includesSecurity: false })).next).position,
          { ...position, versions: new Map([[account, version + 1n]]) },
          { ...position, security: position.security + 1n },
          { ...position, orders: 1 },
          { ...position, stream: "0".repeat(16) }
        ]
        for (const since of foreign) {
          const reader = yield* TestUserEvents.open(wallet, { since })
          const gap = yield* reader.next
          assert.deepInclude(gap, { _tag: "Gap", since, position })
          assert.strictEqual(yield* reader.text, "Snapshot USD 1000 0 1000")
        }
        const current = yield* TestUserEvents.open(wallet, { since: position })
        assert.strictEqual(yield* current.text, "Snapshot USD 1000 0 1000")
      })
    )

    it.effect("are read in pages by a slow reader, who receives a gap after 1000 missed events", () =>
      Effect.gen(function* () {
        const [wallet, other] = [yield* user(), yield* user()]
        const slow = yield* TestUserEvents.open(wallet)
        const slower = yield* TestUserEvents.open(wallet)
        const { position: since } = yield* slow.next
        yield* slower.next
        const sendMany = (count: number) =>
          Effect.forEach(Array.from({ length: count }), () => send(wallet, other, "0.01"), {
            concurrency: "unbounded",
            discard: true
          })
        yield* sendMany(250)
        const sizes: Array<number> = []
        for (let seen = 0; seen < 250;) {
          const page = yield* slow.take
          sizes.push(page.length)
          seen += page.filter(({ _tag }) => _tag === "Transaction").length
        }
        assert.deepStrictEqual(sizes, [100, 100, 51])
        yield* sendMany(751)
        assert.strictEqual(yield* slower.text, "Gap")
        assert.strictEqual(yield* slower.text, "Snapshot USD 989.99 0 989.99")
        const resumed = yield* TestUserEvents.open(wallet, { since })
        assert.strictEqual(yield* resumed.text, "Gap")
        const missed = yield* slow.until(({ _tag }) => _tag === "Balance")
        assert.strictEqual(missed.length, 752)
        const { position: last } = yield* (yield* TestUserEvents.open(wallet)).next
        assert.strictEqual(EventPosition.format(missed.at(-1)?.position ?? since), EventPosition.format(last))
      })
    )
  }
)

import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { Statement } from "../../src/wallets/Statement.ts"
import { Transfers } from "../../src/wallets/Transfers.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { Wallets } from "../../src/wallets/Wallets.ts"
import * as TestWallets from "../support/TestWallets.ts"

const send = Effect.fnUntraced(function* (
  from: NamedWallet,
  to: string,
  amount: string,
  options: { readonly asset?: string; readonly key?: string; readonly note?: string } = {}
) {
  const { asset = "USD", key, note = null } = options
  const money = yield* TestWallets.money(amount, asset)
  const transfers = yield* Transfers
  return yield* transfers.send({ from, to, money, note, owner: `user:${from.userId}`, key })
})

layer(TestWallets.layer())("Transfers", (it) => {
  it.effect("moves money by username in any case and by wallet id", () =>
    Effect.gen(function* () {
      const ann = yield* TestWallets.user("ann", { USD: "10" })
      const ben = yield* TestWallets.user("ben")
      yield* send(ann, "BEN", "3.25", { note: "lunch" })
      yield* send(ann, ben.id, "1")
      assert.deepStrictEqual(yield* TestWallets.balances(ann), ["USD 5.75"])
      assert.deepStrictEqual(yield* TestWallets.balances(ben), ["USD 4.25"])
      const { rows } = yield* (yield* Statement).page(ben.id, {}, undefined, 10)
      assert.deepStrictEqual(
        rows.map((row) => [
          row.kind,
          Decimal.format(row.change),
          Decimal.format(row.balance),
          row.counterparty,
          row.note
        ]),
        [
          ["transfer", "1", "4.25", "ann", null],
          ["transfer", "3.25", "3.25", "ann", "lunch"]
        ]
      )
    })
  )

  it.effect("shows the recipient of a refused transfer nothing of it", () =>
    Effect.gen(function* () {
      const poor = yield* TestWallets.user("poor", {})
      const recipient = yield* TestWallets.user("recipient", {})
      assert.strictEqual((yield* Effect.flip(send(poor, "recipient", "1")))._tag, "InsufficientFunds")
      const { accountsOf, balancesOf } = yield* Wallets
      assert.deepStrictEqual(yield* accountsOf(recipient.id), [])
      assert.deepStrictEqual(yield* balancesOf(recipient.id), [])
    })
  )

  it.effect("refuses the own wallet in any spelling, and unknown recipients", () =>
    Effect.gen(function* () {
      const self = yield* TestWallets.user("self", { USD: "10" })
      for (const to of ["self", "SELF", self.id, self.id.toUpperCase()])
        assert.strictEqual((yield* Effect.flip(send(self, to, "1")))._tag, "SameWallet", to)
      for (const to of ["nobody", "", "se lf", "018f0000-0000-7000-8000-000000000000"])
        assert.strictEqual((yield* Effect.flip(send(self, to, "1")))._tag, "RecipientNotFound", to)
    })
  )

  it.effect("returns the first outcome of a key, also when funds were insufficient", () =>
    Effect.gen(function* () {
      const payer = yield* TestWallets.user("payer", { USD: "10" })
      yield* TestWallets.user("payee")
      const first = yield* send(payer, "payee", "4", { key: "once" })
      assert.deepStrictEqual(yield* send(payer, "PAYEE", "4.00", { key: "once" }), {
        ...first,
        replayed: true
      })
      assert.strictEqual(
        (yield* Effect.flip(send(payer, "payee", "5", { key: "once" })))._tag,
        "IdempotencyMismatch"
      )
      const refused = yield* Effect.flip(send(payer, "payee", "100", { key: "twice" }))
      assert.include(refused, { _tag: "InsufficientFunds", available: "6.00" })
      yield* TestWallets.fund(payer, "200", "USD")
      const again = yield* Effect.flip(send(payer, "payee", "100", { key: "twice" }))
      assert.include(again, { _tag: "InsufficientFunds", available: "6.00" })
      yield* send(payer, "payee", "100", { key: "new" })
      assert.deepStrictEqual(yield* TestWallets.balances(payer), ["USD 106"])
    })
  )

  it.effect("never spends more than there is, with 100 concurrent transfers on two nodes", () =>
    Effect.gen(function* () {
      const rich = yield* TestWallets.user("rich", { USD: "50" })
      const heirs = yield* Effect.forEach([0, 1, 2, 3], (n) => TestWallets.user(`heir${n}`))
      const second = yield* Layer.build(Layer.fresh(TestWallets.node))
      const results = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n),
        (n) => {
          const one = Effect.result(send(rich, `heir${n % 4}`, "1"))
          return n % 2 === 0 ? one : Effect.provideContext(one, second)
        },
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(({ _tag }) => _tag === "Success").length, 50)
      assert.deepStrictEqual(yield* TestWallets.balances(rich), ["USD 0"])
      const received = yield* Effect.forEach(heirs, TestWallets.balances)
      const sum = received.flat().reduce((total, text) => total + Number(text.slice(4)), 0)
      assert.strictEqual(sum, 50)
      const trial = yield* (yield* Ledger).trialBalance(undefined)
      const usd = trial
        .filter(({ asset }) => asset === "USD")
        .map(({ balance }) => Number(Decimal.format(balance)))
      assert.strictEqual(
        usd.reduce((a, b) => a + b, 0),
        0
      )
    })
  )

  it.effect("never deadlocks when two wallets pay each other", () =>
    Effect.gen(function* () {
      const left = yield* TestWallets.user("left", { USD: "100" })
      const right = yield* TestWallets.user("right", { USD: "100" })
      yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n),
        (n) => (n % 2 === 0 ? send(left, "right", "1") : send(right, "left", "1")),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(yield* TestWallets.balances(left), ["USD 100"])
    })
  )

  it.effect("never refuses two wallets that pay each other all they have at once, on two nodes", () =>
    Effect.gen(function* () {
      const east = yield* TestWallets.user("east", { USD: "1" })
      const west = yield* TestWallets.user("west", { USD: "1" })
      const second = yield* Layer.build(Layer.fresh(TestWallets.node))
      for (let round = 0; round < 20; round++)
        yield* Effect.all([send(east, "west", "1"), Effect.provideContext(send(west, "east", "1"), second)], {
          concurrency: 2
        })
      assert.deepStrictEqual(yield* TestWallets.balances(east), ["USD 1"])
      assert.deepStrictEqual(yield* TestWallets.balances(west), ["USD 1"])
    })
  )

  it.effect(
    "answers concurrent requests of one key on two nodes with its transfer, never with a conflict",
    () =>
      Effect.gen(function* () {
        const eager = yield* TestWallets.user("eager", { USD: "5" })
        yield* TestWallets.user("patient")
        const second = yield* Layer.build(Layer.fresh(TestWallets.node))
        const sent = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, n) => n),
          (n) => {
            const one = send(eager, "patient", "5", { key: "once" })
            return n % 2 === 0 ? one : Effect.provideContext(one, second)
          },
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(sent.map(({ id }) => id)).size, 1)
        assert.strictEqual(sent.filter(({ replayed }) => !replayed).length, 1)
        assert.deepStrictEqual(yield* TestWallets.balances(eager), ["USD 0"])
      })
  )
})

layer(TestWallets.layer())("Wallets", (it) => {
  it.effect("are created with their user", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("new-user")
      assert.deepStrictEqual(yield* (yield* Wallets).ofUser(wallet.userId), wallet)
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), [])
    })
  )

  it.effect("answers concurrent reads of balances with those of each wallet", () =>
    Effect.gen(function* () {
      const wallets = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) =>
          n % 5 === 0
            ? TestWallets.user(`reads-${n}`, { USD: `${n + 1}`, EUR: "2" })
            : TestWallets.user(`reads-${n}`)
      )
      const { accountsOf, balancesOf } = yield* Wallets
      const read = yield* Effect.forEach(wallets, ({ id }) => balancesOf(id), { concurrency: "unbounded" })
      const expected = yield* Effect.forEach(wallets, ({ id }) => accountsOf(id))
      assert.deepStrictEqual(read, expected)
      assert.strictEqual(read.flat().length, 8)
    })
  )
})

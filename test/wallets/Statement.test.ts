import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Effect, Layer, Stream } from "effect"
import * as SandboxAssets from "../../src/assets/SandboxAssets.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { AccountStatements } from "../../src/wallets/AccountStatements.ts"
import { Statement, type StatementFilter } from "../../src/wallets/Statement.ts"
import type { StatementPosition, StatementRow } from "../../src/wallets/StatementRow.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as WalletPostings from "../support/WalletPostings.ts"

const USD = AssetCode.make("USD")

/** Reads every page. */
const pages = Effect.fnUntraced(function* ({ id }: NamedWallet, size: number, filter: StatementFilter = {}) {
  const statement = yield* Statement
  const found: Array<ReadonlyArray<StatementRow>> = []
  let before: StatementPosition | undefined
  do {
    const page = yield* statement.page(id, filter, before, size)
    found.push(page.rows)
    before = page.next
  } while (before !== undefined)
  return found
})

const all = Effect.fnUntraced(function* (wallet: NamedWallet, filter: StatementFilter = {}) {
  return (yield* (yield* Statement).page(wallet.id, filter, undefined, 1000)).rows
})

/** Asserts that each balance of an asset continues the previous one, newest first. */
const assertContinuous = (rows: ReadonlyArray<StatementRow>) =>
  rows.forEach((row, i) => {
    const previous = rows.slice(i + 1).find(({ asset }) => asset === row.asset)
    const start = previous?.balance ?? BigDecimal.make(0n, 0)
    assert.strictEqual(Decimal.format(BigDecimal.sum(start, row.change)), Decimal.format(row.balance))
  })

const show = ({ asset, balance, change }: StatementRow) =>
  `${asset} ${Decimal.format(change)} = ${Decimal.format(balance)}`

layer(TestWallets.layer())("Statement", (it) => {
  it.effect(
    "pages without gaps, with the right running balances, when ten entries share one millisecond",
    () =>
      Effect.gen(function* () {
        const wallet = yield* TestWallets.user("same-ms", { USD: "100", EUR: "100" })
        yield* WalletPostings.post(
          wallet,
          Array.from({ length: 10 }, (_, n) => ({
            changes: { [n % 2 === 0 ? "USD" : "EUR"]: n % 3 === 0 ? "-1" : `${n}.5` }
          }))
        )
        const rows = yield* all(wallet)
        assert.strictEqual(rows.length, 12)
        assert.strictEqual(
          new Set(rows.slice(0, 10).map(({ postedAt }) => postedAt.epochMilliseconds)).size,
          1
        )
        assertContinuous(rows)
        for (const size of [1, 2, 3, 5, 11, 12, 13])
          assert.deepStrictEqual((yield* pages(wallet, size)).flat(), rows, `${size} per page`)
        const usd = yield* all(wallet, { asset: USD })
        assert.deepStrictEqual(
          usd,
          rows.filter(({ asset }) => asset === USD)
        )
        assertContinuous(usd)
        const streamed = yield* Stream.runCollect((yield* Statement).stream(wallet.id, {}))
        assert.deepStrictEqual(streamed, rows)
      })
  )

  it.effect("starts at since, and ends before until, to the millisecond", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("bounds")
      for (const change of ["1", "2", "3"]) {
        yield* WalletPostings.post(wallet, [{ changes: { USD: change } }, { changes: { EUR: change } }])
        const [last] = yield* all(wallet)
        // The next one is posted in a later millisecond.
        if (last !== undefined)
          yield* Effect.suspend(() =>
            Date.now() > last.postedAt.epochMilliseconds ? Effect.void : Effect.fail("same millisecond")
          ).pipe(Effect.eventually)
      }
      const rows = yield* all(wallet)
      const times = Array.from(new Set(rows.map(({ postedAt }) => postedAt.epochMilliseconds)))
      assert.strictEqual(times.length, 3)
      const [newest = 0, middle = 0, oldest = 0] = times
      const between = (since: number, until: number) =>
        Effect.map(
          all(wallet, { since: DateTime.makeUnsafe(since), until: DateTime.makeUnsafe(until) }),
          (found) => found.map(show)
        )
      assert.strictEqual((yield* between(oldest, newest + 1)).length, 6)
      assert.deepStrictEqual((yield* between(middle, newest)).toSorted(), ["EUR 2 = 3", "USD 2 = 3"])
      assert.deepStrictEqual(yield* between(middle, middle), [])
      assert.deepStrictEqual(yield* between(0, oldest), [])
      const range = { since: DateTime.makeUnsafe(middle), until: DateTime.makeUnsafe(newest + 1) }
      assert.deepStrictEqual((yield* pages(wallet, 1, range)).flat().map(show), rows.slice(0, 4).map(show))
    })
  )

  it.effect("finds a rare type behind thousands of other movements, in short pages", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("rare", { USD: "5" })
      yield* WalletPostings.post(
        wallet,
        Array.from({ length: 2500 }, (_, n) => ({
          kind: n % 500 === 0 ? "withdrawal" : "transfer",
          changes: { [n % 2 === 0 ? "EUR" : "USD"]: "1" }
        }))
      )
      const found = yield* pages(wallet, 4, { type: "withdrawal" })
      assert.strictEqual(found.flat().length, 5)
      assert.isTrue(found.flat().every(({ kind }) => kind === "withdrawal"))
      const deposits = yield* pages(wallet, 50, { type: "deposit" })
      assert.deepStrictEqual(deposits.flat().map(show), ["USD 5 = 5"])
      assert.strictEqual(deposits[0]?.length, 0)
      assert.isAtMost(deposits.length, 2)
      assert.deepStrictEqual((yield* pages(wallet, 50, { type: "order.settlement" })).flat(), [])
      const streamed = yield* Stream.runCollect((yield* Statement).stream(wallet.id, { type: "deposit" }))
      assert.deepStrictEqual(streamed.map(show), ["USD 5 = 5"])
    })
  )

  it.effect("returns both movements of a conversion, what left the wallet first", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("converts", { USD: "100" })
      const [id] = yield* WalletPostings.post(wallet, [
        {
          kind: "conversion",
          changes: { NGN: "1520.39", USD: "-1" },
          details: { conversion_id: "01a22a41-7c10-7f3a-9d21-5b0c8e4f7a12", from: "USD", to: "NGN" }
        }
      ])
      if (id === undefined) return assert.fail("not posted")
      const { transaction } = yield* Statement
      const rows = yield* transaction(wallet.id, id)
      assert.deepStrictEqual(rows.map(show), ["USD -1 = 99", "NGN 1520.39 = 1520.39"])
      for (const row of rows)
        assert.include(row, {
          conversionId: "01a22a41-7c10-7f3a-9d21-5b0c8e4f7a12",
          counterparty: null,
          kind: "conversion"
        })
      const other = yield* TestWallets.user("not-converting")
      assert.deepStrictEqual(yield* transaction(other.id, id), [])
    })
  )
})

layer(SandboxAssets.layer.pipe(Layer.provideMerge(TestWallets.layer())))("AccountStatements", (it) => {
  const read = Effect.fnUntraced(function* (wallet: NamedWallet, since: number, until: number) {
    const statements = yield* AccountStatements
    const sections = yield* statements.sections(wallet.id, {
      since: DateTime.makeUnsafe(since),
      until: DateTime.makeUnsafe(until),
      asset: undefined
    })
    return yield* Effect.forEach(sections, (section) =>
      Effect.map(Stream.runCollect(statements.rows(section)), (rows) => ({ section, rows }))
    )
  })

  it.effect("opens with a balance that the changes of the period turn into the closing balance", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("sums", { USD: "100" })
      for (let batch = 0; batch < 12; batch++)
        yield* WalletPostings.post(
          wallet,
          Array.from({ length: 100 }, (_, n) => ({
            changes: {
              ...(n % 4 === 0 ? { ETH: `0.${String(n + 1).padStart(18, "0")}` } : {}),
              USD: n % 3 === 0 ? "-0.01" : "0.02"
            }
          }))
        )
      const history = yield* Stream.runCollect((yield* Statement).stream(wallet.id, {}))
      assert.strictEqual(history.length, 1501)
      const times = Array.from(new Set(history.map(({ postedAt }) => postedAt.epochMilliseconds)))
      const first = Math.min(...times)
      const edges = [0, first, ...times, Math.max(...times) + 1].toSorted((a, b) => a - b)
      for (const since of edges)
        for (const until of edges.filter((edge) => edge >= since)) {
          const found = yield* read(wallet, since, until)
          for (const { rows, section } of found) {
            const sum = rows.reduce((total, { change }) => BigDecimal.sum(total, change), section.opening)
            assert.strictEqual(Decimal.format(sum), Decimal.format(section.closing))
          }
          const inPeriod = history.filter(
            ({ postedAt }) => postedAt.epochMilliseconds >= since && postedAt.epochMilliseconds < until
          )
          assert.strictEqual(
            found.reduce((total, { rows }) => total + rows.length, 0),
            inPeriod.length
          )
        }
      assert.deepStrictEqual(yield* read(wallet, 0, first), [])
    })
  )

  it.effect("does not change while the wallet moves", () =>
    Effect.gen(function* () {
      const wallet = yield* TestWallets.user("moving", { USD: "10" })
      const { rows, sections } = yield* AccountStatements
      const period = { since: DateTime.makeUnsafe(0), until: DateTime.makeUnsafe("2999-01-01"), asset: USD }
      const [section] = yield* sections(wallet.id, period)
      yield* TestWallets.fund(wallet, "5", "USD")
      if (section === undefined) return assert.fail("no section")
      assert.deepStrictEqual((yield* Stream.runCollect(rows(section))).map(show), ["USD 10 = 10"])
      assert.strictEqual(Decimal.format(section.closing), "10")
    })
  )
})

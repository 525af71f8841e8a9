import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { StoreUnavailable } from "../../src/platform/postgres/StoreUnavailable.ts"
import { WalletConversions } from "../../src/wallets/WalletConversions.ts"
import { pairOf } from "../support/RateTicks.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"

const { convert } = Requests

const USD_NGN = pairOf("USD", "NGN")
const NGN_USD = pairOf("NGN", "USD")

/** A node that shares nothing with the others but the database, and runs effects with its services. */
const secondNode = Effect.map(
  Layer.build(Layer.fresh(Requests.node)),
  (context) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.provideContext(effect, context)
)

/** Runs numbered requests at once, every second one on another node. */
const onTwoNodes = Effect.fnUntraced(function* <A, E, R>(
  count: number,
  request: (n: number) => Effect.Effect<A, E, R>
) {
  const second = yield* secondNode
  return yield* Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => Effect.result(n % 2 === 0 ? request(n) : second(request(n))),
    { concurrency: "unbounded" }
  )
})

const tagsOf = (results: ReadonlyArray<Result.Result<unknown, { readonly _tag: string }>>) =>
  results.filter(Result.isFailure).map(({ failure }) => failure._tag)

layer(Requests.layer())("Conversions in wallets", (it) => {
  it.effect("store neither entries nor a record if the transaction fails between them", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("crash", { USD: "10" })
      yield* sql`
        CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF NEW.reference = 'crash' THEN
            IF NOT EXISTS (SELECT FROM ledger_transfer WHERE id = NEW.id) THEN RAISE 'no entries before the record'; END IF;
            RAISE 'crash after the entries';
          END IF;
          RETURN NEW;
        END $$`
      yield* sql`CREATE TRIGGER crash BEFORE INSERT ON conversion_audit FOR EACH ROW EXECUTE FUNCTION crash()`
      const request = convert(wallet, "10", { reference: "crash", key: "crash" })
      assert.include(String(yield* Effect.flip(Effect.sandbox(request))), "crash after the entries")
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["USD 10"])
      assert.deepStrictEqual(yield* Requests.recordsOf(wallet), [])
      yield* sql`DROP TRIGGER crash ON conversion_audit`
      assert.isFalse((yield* request).replayed)
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["NGN 14925", "USD 0"])
    })
  )

  it.effect("return the first result to the retry of a conversion whose commit was not confirmed", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("lost", { USD: "10" })
      const lossyDatabase = Layer.effect(
        Database,
        Effect.map(Database, (database) => ({
          ...database,
          tryExecute: <A, E, R>(statements: Effect.Effect<A, E, R>) =>
            Effect.andThen(
              Effect.orDie(statements),
              Effect.fail(new StoreUnavailable({ cause: "the confirmation was lost" }))
            )
        }))
      )
      const request = convert(wallet, "10", { key: "lost" })
      const lost = yield* Effect.flip(
        Effect.provide(request, Layer.fresh(WalletConversions.layer).pipe(Layer.provide(lossyDatabase)))
      )
      assert.strictEqual(lost._tag, "StoreUnavailable")
      const [record, ...others] = yield* Requests.recordsOf(wallet)
      assert.deepStrictEqual(others, [])
      const retried = yield* request
      assert.isTrue(retried.replayed)
      assert.strictEqual(retried.conversion.audit_id, record?.audit_id)
      assert.deepStrictEqual(yield* TestWallets.balances(wallet), ["NGN 14925", "USD 0"])
    })
  )

  it.effect("convert once for concurrent requests of one key on two nodes", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("one-key", { USD: "100", GBP: "100" })
      const same = yield* onTwoNodes(30, () => convert(wallet, "10", { key: "same" }))
      assert.deepStrictEqual(tagsOf(same), [])
      const ids = same.filter(Result.isSuccess).map(({ success }) => success.conversion.audit_id)
      assert.strictEqual(new Set(ids).size, 1)
      const different = yield* onTwoNodes(30, (n) =>
        convert(wallet, "10", { key: "different", pair: n % 3 === 0 ? USD_NGN : pairOf("GBP", "KES") })
      )
      const refused = tagsOf(different)
      assert.isTrue(refused.every((tag) => tag === "IdempotencyMismatch"))
      assert.oneOf(refused.length, [10, 20])
      assert.strictEqual((yield* Requests.recordsOf(wallet)).length, 2)
    })
  )

  it.effect("use a quote once, whoever of its concurrent users is first", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const wallet = yield* TestWallets.user("one-quote", { USD: "1000" })
      const conversions = yield* Conversions
      for (let round = 0; round < 5; round++) {
        const quoteId = yield* Requests.quote(wallet, "10")
        const use = Effect.fnUntraced(function* (n: number) {
          // The other conversions of the same user.
          if (n % 3 === 0) yield* conversions.convert(Requests.inputOf(wallet, "10", { quoteId }))
          else yield* convert(wallet, "10", { quoteId })
        })
        const results = yield* onTwoNodes(12, use)
        const refused = tagsOf(results)
        assert.strictEqual(refused.length, 11)
        assert.isTrue(refused.every((tag) => tag === "QuoteUsed"))
      }
      const records = yield* Requests.recordsOf(wallet)
      assert.strictEqual(records.length, 5)
      const { sql } = yield* Database
      const [moved] = yield* sql<{ usd: string }>`
        SELECT coalesce(sum(-amount), 0) AS usd FROM ledger_entry JOIN ledger_account ON ledger_account.id = account_id
        WHERE owner = ${wallet.id} AND ledger_entry.asset = 'USD' AND amount < 0`
      const [inWallet] = yield* sql<{ count: number }>`
        SELECT count(*)::int AS count FROM ledger_transfer
        WHERE id IN (SELECT id FROM conversion_audit WHERE principal = ${`user:${wallet.userId}`})`
      assert.strictEqual(Number(moved?.usd), 10 * (inWallet?.count ?? 0))
    })
  )

  it.effect("do not fail others that are committed with them", () =>
    Effect.gen(function* () {
      yield* Requests.setRate("1500")
      const users = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => n),
        (n) => TestWallets.user(`batch-${n}`, { USD: n === 3 ? "1" : "100" })
      )
      const [first] = users
      if (first === undefined) return assert.fail()
      const quoteId = yield* Requests.quote(first, "10")
      yield* convert(first, "10", { quoteId })
      const results = yield* onTwoNodes(12, (n) => {
        const wallet = users[n] ?? first
        return n === 0 ? convert(wallet, "10", { quoteId }) : convert(wallet, "10")
      })
      assert.deepStrictEqual(tagsOf(results), ["QuoteUsed", "InsufficientFunds"])
      assert.deepStrictEqual(yield* Requests.imbalances, [])
    })
  )

  it.effect("never deadlock in opposite directions on two nodes", () =>
    Effect.gen(function* () {
      const { sql } = yield* Database
      yield* Requests.setRate("1")
      const pairs = [USD_NGN, NGN_USD, pairOf("NGN", "KES"), pairOf("KES", "USD")]
      const users = yield* Effect.forEach(["left", "right", "third"], (name) =>
        TestWallets.user(name, { USD: "1000", NGN: "1000", KES: "1000" })
      )
      const results = yield* onTwoNodes(200, (n) => {
        const wallet = users[n % users.length]
        return wallet === undefined
          ? Effect.die("no user")
          : convert(wallet, "1", { pair: pairs[n % 4] ?? USD_NGN })
      })
      assert.deepStrictEqual(tagsOf(results), [])
      assert.deepStrictEqual(yield* Requests.imbalances, [])
      const [stats] = yield* sql<{ deadlocks: bigint }>`
        SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`
      assert.strictEqual(stats?.deadlocks, 0n)
    })
  )
})

import { assert, it } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { fileURLToPath } from "node:url"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import * as SandboxAssets from "../../src/assets/SandboxAssets.ts"
import * as Decimal from "../../src/domain/money/Decimal.ts"
import { BatchId } from "../../src/domain/orders/Batch.ts"
import { ExchangeClient } from "../../src/exchanges/ExchangeClient.ts"
import * as SandboxExchange from "../../src/exchanges/sandbox/SandboxExchange.ts"
import * as SandboxOrders from "../../src/exchanges/sandbox/SandboxOrders.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { STEPS } from "../../src/orders/settlement/SettlementSteps.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import * as ChildProgram from "../support/ChildProgram.ts"
import * as SettlementWorker from "../support/SettlementWorker.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestSettings from "../support/TestSettings.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Workload from "../support/Workload.ts"

/** Orders that are placed before each kill; `EFFEX_ORDERS` overrides it. */
const ORDERS = Number(process.env["EFFEX_ORDERS"] ?? 200)
const WORKER = fileURLToPath(new URL("../support/SettlementWorker.ts", import.meta.url))
const ZERO = BigDecimal.make(0n, 0)

it.live(
  "kill -9 between every two steps of a settlement settles each order once",
  () =>
    Effect.gen(function* () {
      const memory = SandboxOrders.makeMemory()
      let atExchange = 0
      const orders: SandboxOrders.SandboxOrders = {
        ...memory,
        insert: (order) =>
          Effect.tap(memory.insert(order), (isNew) =>
            Effect.sync(() => {
              if (isNew) atExchange++
            })
          )
      }
      const { apiUrl } = yield* SandboxExchange.listen({ host: "127.0.0.1", port: 0, orders })
      const url = yield* TestDatabase.create
      const services = Layer.mergeAll(TestOrders.node, LedgerVerifier.layer).pipe(
        Layer.provideMerge(
          Layer.mergeAll(TestSettlement.TestPrices.layer, SettlementWorker.exchangeAt(apiUrl))
        ),
        Layer.provideMerge(TestWallets.node),
        Layer.provideMerge(Database.layer),
        Layer.provideMerge(
          TestSettings.layerOnly({
            DATABASE_URL: url,
            JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
            AGGREGATION_MAX_WAIT: "1 second"
          })
        ),
        Layer.provideMerge(SecureRandom.layerWebCrypto)
      )
      const work = (...step: ReadonlyArray<string>) =>
        Effect.flatMap(
          ChildProgram.runProgram(process.execPath, [WORKER, apiUrl, ...step], {
            DATABASE_URL: url,
            AGGREGATION_MAX_WAIT: "1 second"
          }),
          ({ ended, output }) => Effect.map(ended, (end) => ({ end, output: output() }))
        ).pipe(Effect.scoped)

      yield* Effect.gen(function* () {
        const catalog = yield* AssetCatalog
        const { set } = yield* TestSettlement.TestPrices
        for (const definition of SandboxAssets.definitions) {
          const price = SettlementWorker.PRICES[definition.code]
          if (price === undefined) continue
          yield* catalog.change({ definition, principal: "test", expectedVersion: Option.none() })
          yield* set(definition.code, price)
        }
        const users = yield* Effect.forEach(["ada", "bob", "cid"], (name) =>
          TestWallets.user(name, { USD: "1000000", BTC: "100", ETH: "1000" })
        )
        const { sql } = yield* Database
        const [before] = yield* Effect.forEach(users, TestWallets.balances)
        assert.isDefined(before)

        for (const step of STEPS) {
          yield* Effect.forEach(
            Array.from({ length: ORDERS }, (_, n) => n),
            (n) => {
              const user = users[n % users.length]
              if (user === undefined) return Effect.void
              const [code, unit] = n % 2 === 0 ? (["BTC", 50_000] as const) : (["ETH", 2500] as const)
              // Every fourth order is sent alone.
              const dollars = n % 4 === 0 ? 10 + n : 1 + (n % 7)
              return TestOrders.place(user, n % 3 === 0 ? "sell" : "buy", code, (dollars / unit).toFixed(8))
            },
            { concurrency: 16, discard: true }
          )
          const killed = yield* work(step)
          assert.strictEqual(killed.end, "SIGKILL", `${step}: ${killed.output}`)
          const resumed = yield* work()
          assert.strictEqual(resumed.end, 0, `${step}: ${resumed.output}`)
          assert.strictEqual(yield* TestSettlement.unsettled, 0, step)
        }

        // Each order has one settlement, and each sent batch one order at the exchange.
        const [counts] = yield* sql<{ orders: number; settled: number; once: number; sent: number }>`
          SELECT count(*)::int AS orders, (count(*) FILTER (WHERE state = 'completed'))::int AS settled,
            (SELECT count(*) FROM (SELECT details ->> 'order_id' FROM ledger_transfer
              WHERE kind = 'order.settlement' AND details ? 'order_id' GROUP BY 1 HAVING count(*) = 1) AS single)::int AS once,
            (SELECT count(*) FROM settlement_batch WHERE submissions > 0)::int AS sent
          FROM customer_order`
        const placed = ORDERS * STEPS.length
        assert.deepStrictEqual(counts, { orders: placed, settled: placed, once: placed, sent: atExchange })

        // What the exchange filled is what the books have.
        const exchange = yield* ExchangeClient
        const filled = new Map<string, BigDecimal.BigDecimal>()
        const batches = yield* sql<{ id: string; asset: string; side: string }>`
          SELECT id, asset, side FROM settlement_batch WHERE submissions > 0`
        for (const { asset, id, side } of batches) {
          const order = Option.getOrThrow(yield* exchange.find(BatchId.make(id)))
          const signed = side === "buy" ? BigDecimal.negate(order.filled) : order.filled
          filled.set(asset, BigDecimal.sum(filled.get(asset) ?? ZERO, signed))
        }
        const booked = (yield* TestOrders.house).filter((line) => /^exchange (BTC|ETH)/.test(line))
        assert.deepStrictEqual(
          booked,
          Array.from(filled, ([asset, amount]) => `exchange ${asset} ${Decimal.format(amount)}`).toSorted()
        )
        assert.strictEqual(yield* TestOrders.openHolds, 0)
        const verification = yield* (yield* LedgerVerifier).verify
        assert.isTrue(verification.ok, JSON.stringify(verification))
        yield* Workload.report(
          `kill -9 at ${STEPS.length} steps of a settlement, ${ORDERS} orders each: ${placed} orders in ${batches.length} batches, each settled once`
        )
      }).pipe(Effect.provide(services))
    }).pipe(Effect.scoped),
  600_000
)

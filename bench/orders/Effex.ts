/**
 * Orders of effex in one process, without HTTP, at the sandbox exchange. `MODE` is `accept`: as many as possible, which wait in a
 * pool; `complete`: `RATE` orders per second, each of which is sent alone; or `pool`: `ORDERS` orders of one pool.
 */
import { NodeRuntime } from "@effect/platform-node"
import { BigDecimal, Config, Console, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import * as App from "../../src/App.ts"
import { AssetCatalog } from "../../src/assets/AssetCatalog.ts"
import * as SandboxAssets from "../../src/assets/SandboxAssets.ts"
import { featuresApp } from "../../src/CommandLayers.ts"
import { AssetCode } from "../../src/domain/money/Asset.ts"
import { Orders } from "../../src/orders/Orders.ts"
import { Settlement } from "../../src/orders/settlement/Settlement.ts"
import { SettlementSignal } from "../../src/orders/settlement/SettlementSignal.ts"
import { LeaderTerms } from "../../src/platform/LeaderTerms.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import { RateRepo } from "../../src/rates/RateRepo.ts"
import { tick } from "../../test/support/RateTicks.ts"
import * as Callers from "../transfers/Callers.ts"
import * as FundedWallets from "../transfers/FundedWallets.ts"
import * as PostgresCpu from "../transfers/PostgresCpu.ts"

const ASSET = AssetCode.make("ABAN")
const PRICE = "20"
/** US dollars of an order that waits in a pool, and of one that is sent alone. */
const SMALL = BigDecimal.make(1n, 0)
const LARGE = BigDecimal.make(20n, 0)
/** Orders before the measurement. */
const WARM_UP = 50

const place = Effect.gen(function* () {
  const orders = yield* Orders
  const asset = yield* Effect.fromOption((yield* AssetCatalog).find(ASSET))
  const { wallets } = yield* FundedWallets.create
  yield* (yield* RateRepo).insert(yield* tick(ASSET, "USD", PRICE))
  let next = 0
  return (notional: BigDecimal.BigDecimal) =>
    Effect.suspend(() => {
      const wallet = wallets[next++ % wallets.length]
      if (wallet === undefined) return Effect.die("no wallet")
      return orders.place({
        wallet,
        asset,
        side: "buy",
        quantity: { notional },
        clientOrderId: undefined,
        owner: wallet.id,
        key: randomUUID(),
        session: undefined
      })
    })
})

/** Orders that arrive evenly, and the milliseconds from the request to the completion of each. */
const complete = Effect.gen(function* () {
  const rate = yield* Config.Int("RATE")
  const seconds = yield* Config.Int("SECONDS")
  const { settleDue } = yield* Settlement
  const { wait } = yield* SettlementSignal
  const { sql } = yield* Database
  const leader = yield* (yield* LeaderTerms).startTerm("settlement")
  const order = yield* place
  const settled = settleDue(leader).pipe(
    Effect.andThen(Effect.timeoutOption(wait, "1 second")),
    Effect.forever
  )
  const count = WARM_UP + rate * seconds
  const arrivals = Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    (n) => Effect.delay(order(LARGE), (n * 1000) / rate),
    { concurrency: "unbounded", discard: true }
  )
  yield* Effect.raceFirst(arrivals, settled)
  yield* settleDue(leader)
  const rows = yield* sql<{ millis: number; state: string }>`
    SELECT state, extract(epoch FROM updated_at - created_at)::float8 * 1000 AS millis FROM customer_order
    WHERE id IN (SELECT id FROM customer_order ORDER BY id DESC LIMIT ${count - WARM_UP})`
  if (rows.some(({ state }) => state !== "completed")) return yield* Effect.die("an order is not completed")
  const sorted = rows.map(({ millis }) => millis).toSorted((a, b) => a - b)
  const quantile = (fraction: number) => sorted[Math.floor(fraction * sorted.length)] ?? Number.NaN
  yield* Console.log(JSON.stringify({ p50: quantile(0.5), p99: quantile(0.99) }))
})

/** Seconds in which the orders of one pool are settled, and the CPU time of PostgreSQL for each. */
const pool = Effect.gen(function* () {
  const count = yield* Config.Int("ORDERS")
  const postgres = yield* Config.Int("POSTGRES_PID")
  const callers = yield* Config.Int("CALLERS")
  const { sql } = yield* Database
  const order = yield* place
  yield* Effect.replicateEffect(order(SMALL), count, { concurrency: callers, discard: true })
  const leader = yield* (yield* LeaderTerms).startTerm("settlement")
  const cpuBefore = PostgresCpu.secondsOf(postgres)
  const start = performance.now()
  yield* (yield* Settlement).settleDue(leader)
  const seconds = (performance.now() - start) / 1000
  const databaseMicros = ((PostgresCpu.secondsOf(postgres) - cpuBefore) / count) * 1e6
  const open = yield* sql`SELECT 1 FROM customer_order WHERE state <> 'completed'`
  if (open.length > 0) return yield* Effect.die(`${open.length} orders are not completed`)
  yield* Console.log(JSON.stringify({ seconds, databaseMicros }))
})

const accept = Effect.flatMap(place, (order) => Callers.drive(Effect.asVoid(order(SMALL))))

const program = Effect.flatMap(
  Config.Literals(["accept", "complete", "pool"], "MODE"),
  (mode) => ({ accept, complete, pool })[mode]
)

NodeRuntime.runMain(
  Effect.provide(
    program,
    App.orders.pipe(
      Layer.provide(App.exchange),
      Layer.provideMerge(App.users),
      Layer.provideMerge(SandboxAssets.layer),
      Layer.provideMerge(featuresApp)
    )
  )
)

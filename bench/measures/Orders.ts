import { Effect, Schema } from "effect"
import { interleave } from "../InterleavedRounds.ts"
import { Plan } from "../Plan.ts"
import * as Programs from "../Programs.ts"
import type { Report } from "../Report.ts"
import { ratioIn, spreadIn } from "../Statistics.ts"
import { Stores } from "../Stores.ts"
import { TransferResult } from "../transfers/Callers.ts"

/** Orders per second that are sent alone. */
const RATE = 50
/** Orders of one pool. */
const ORDERS = 10_000

const Durations = Schema.Struct({ p50: Schema.Finite, p99: Schema.Finite })
const Pool = Schema.Struct({ seconds: Schema.Finite, databaseMicros: Schema.Finite })

const SETTINGS = { EXCHANGE: "sandbox", ORDER_MAX_PRICE_AGE: "1 day" }

/** Runs orders in a database of their own, because those of other rounds would be settled too. */
const run = Effect.fnUntraced(function* <A>(
  mode: "accept" | "complete" | "pool",
  schema: Schema.Codec<A, unknown>,
  env: Readonly<Record<string, string>> = {},
  cores: "server" | "all" = "server"
) {
  const database = yield* (yield* Stores).createDatabase
  return yield* Programs.run("orders/Effex", schema, database, { ...SETTINGS, MODE: mode, ...env }, cores)
})

const perSecond = ({ transfersPerSecond }: TransferResult) => transfersPerSecond

/** Measures how fast orders are accepted, relative to transfers, and how soon they are settled at the sandbox exchange. */
export const orders = Effect.gen(function* () {
  const { connections } = yield* Plan
  const transfers = yield* (yield* Stores).createDatabase
  const accepted = yield* interleave("orders", {
    orders: run("accept", TransferResult),
    transfers: Programs.run("transfers/Effex", TransferResult, transfers)
  })
  const completed = yield* interleave("orders to completion", {
    orders: run("complete", Durations, { RATE: String(RATE) })
  })
  const pools = yield* interleave("orders of one pool", {
    pool: run("pool", Pool, { ORDERS: String(ORDERS) }, "all")
  })
  const each = `${RATE} orders/s, each sent alone to the sandbox exchange`
  const report: Report = {
    rows: [
      {
        workload: `orders accepted, ${connections} callers`,
        measure: "orders/s relative to transfers/s",
        target: { atLeast: 0.4 },
        result: ratioIn(accepted, "orders", "transfers", perSecond)
      },
      {
        workload: each,
        measure: "p99 from the request to completion",
        unit: "ms",
        target: { atMost: 500 },
        result: spreadIn(completed, "orders", ({ p99 }) => p99)
      },
      {
        workload: `a pool of ${ORDERS} orders`,
        measure: "settled within",
        unit: "s",
        target: { atMost: 2 },
        result: spreadIn(pools, "pool", ({ seconds }) => seconds)
      }
    ],
    figures: [
      ...(["orders", "transfers"] as const).map((server) => ({
        workload: `${connections} callers`,
        server: "effex",
        quantity: `${server} accepted`,
        unit: "/s",
        result: spreadIn(accepted, server, perSecond)
      })),
      {
        workload: `${connections} callers`,
        server: "effex",
        quantity: "CPU time of PostgreSQL per order",
        unit: "µs",
        result: spreadIn(accepted, "orders", ({ databaseMicros }) => databaseMicros)
      },
      {
        workload: `a pool of ${ORDERS} orders`,
        server: "effex",
        quantity: "CPU time of PostgreSQL per order settled",
        unit: "µs",
        result: spreadIn(pools, "pool", ({ databaseMicros }) => databaseMicros)
      },
      {
        workload: each,
        server: "effex",
        quantity: "p50 to completion",
        unit: "ms",
        result: spreadIn(completed, "orders", ({ p50 }) => p50)
      }
    ],
    notes: [
      "An order is priced, checked by the risk rules, and stored with its hold. Orders of many callers share transactions, as transfers do.",
      "While a pool is settled, nothing else runs: the settler and PostgreSQL have all cores."
    ]
  }
  return report
})

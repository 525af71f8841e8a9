import { assert, it } from "@effect/vitest"
import { Effect, Random, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as RecomputedAllocation from "../support/RecomputedAllocation.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as Workload from "../support/Workload.ts"

/** Small orders of all users together; `EFFEX_ORDERS` overrides it. */
const ORDERS = Number(process.env["EFFEX_ORDERS"] ?? 1_000)
const ORDERS_OF_USER = 20
const USERS = Math.ceil(ORDERS / ORDERS_OF_USER)
const CALLERS = 32

const ENV = {
  FUNDING: "sandbox",
  EXCHANGE: "sandbox",
  JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
  AGGREGATION_MAX_WAIT: "2 seconds",
  ORDER_MAX_PRICE_AGE: "1 day"
}

it.live(
  "small orders of many users on two nodes: every bulk order is divided to the last unit",
  () =>
    Effect.gen(function* () {
      const { env, sql } = yield* NodeEnvironment.make(ENV)
      const [first, second] = [yield* Effex.serve(env), yield* Effex.serve(env)]
      const nodes = [first, second]
      // Otherwise every share would be the whole order.
      for (const { written } of nodes) {
        const [, faults = ""] = yield* written(/takes faults at (http:\/\/[\d.:]+\/faults)/)
        const body = JSON.stringify({ provider: "alpaca", fault: "partial-cancel" })
        yield* Effect.promise(() => fetch(faults, { method: "PUT", body }))
      }
      const created = yield* Effex.run(
        ["keys", "create", "--name", "app", "--scope", "wallets", "--json"],
        env
      )
      const [, key = ""] = yield* created.written(/"key":"(efx_\w+)"/)
      // Users of a year ago, without passwords.
      const users = yield* sql<{ id: string }>`
        INSERT INTO app_user (id, username, created_at)
          SELECT gen_random_uuid(), 'user-' || n, now() - interval '1 year' FROM generate_series(1, ${USERS}::int) AS n
          RETURNING id`
      yield* sql`
        INSERT INTO wallet (id, user_id, created_at) SELECT gen_random_uuid(), id, created_at FROM app_user
          ON CONFLICT DO NOTHING`
      const send = Effect.fnUntraced(function* (
        n: number,
        user: string,
        method: string,
        path: string,
        body?: object
      ) {
        const { url } = nodes[n % nodes.length] ?? first
        const headers = { authorization: `Bearer ${key}`, "effex-on-behalf-of": user }
        const response = yield* Effect.promise(() =>
          fetch(`${url}/api/v1/${path}`, {
            method,
            headers,
            ...(body === undefined ? {} : { body: JSON.stringify(body) })
          })
        )
        const text = yield* Effect.promise(() => response.text())
        return { status: response.status, text }
      })
      const each = { concurrency: CALLERS, discard: true } as const
      yield* Effect.forEach(
        users.entries(),
        ([n, { id }]) =>
          Effect.map(
            send(n, id, "PATCH", "accounts/wallet/deposit", { amount: "1000" }),
            ({ status, text }) => assert.isBelow(status, 300, text)
          ),
        each
      )

      const orders = yield* Random.shuffle(
        Array.from({ length: ORDERS }, (_, n) => ({ n, user: users[n % users.length]?.id ?? "" }))
      )
      const start = performance.now()
      yield* Effect.forEach(
        orders,
        Effect.fnUntraced(function* ({ n, user }) {
          const cents = yield* Random.nextIntBetween(50, 999)
          const notional = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`
          const asset = n % 2 === 0 ? "ABAN" : "BTC"
          const { status, text } = yield* send(n, user, "POST", "orders", { asset, side: "buy", notional })
          assert.strictEqual(status, 201, text)
        }),
        each
      )
      const accepted = (performance.now() - start) / 1000
      const open = sql`SELECT 1 FROM customer_order WHERE state IN ('pending', 'aggregated', 'submitted') LIMIT 1`
      yield* Effect.repeat(open, {
        until: (rows) => rows.length === 0,
        schedule: Schedule.spaced("100 millis")
      }).pipe(Effect.timeout("3 minutes"))
      const settled = (performance.now() - start) / 1000

      const batches = yield* sql<{ id: string; order: string; user: string }>`
        SELECT DISTINCT ON (batch_id) batch_id AS id, customer_order.id AS order, wallet.user_id AS user
        FROM customer_order JOIN wallet ON wallet.id = wallet_id ORDER BY batch_id`
      const published = new Map<string, string>()
      let roundedUp = 0
      for (const [n, { id, order, user }] of batches.entries()) {
        const { status, text } = yield* send(n, user, "GET", `orders/${order}/allocation`)
        assert.strictEqual(status, 200, text)
        const allocation: RecomputedAllocation.PublishedAllocation = JSON.parse(text)
        assert.strictEqual(allocation.batch_id, id)
        roundedUp += RecomputedAllocation.check(allocation)
        for (const share of allocation.orders) published.set(share.order_id, share.filled)
      }

      // What was published is what the users have, and what the exchange filled.
      const stored = yield* sql<{
        id: string
        filled: string
      }>`SELECT id, trim_scale(filled)::text AS filled FROM customer_order`
      assert.strictEqual(stored.length, ORDERS)
      for (const { filled, id } of stored) assert.strictEqual(published.get(id), filled, `order ${id}`)
      // The exchange has 9 decimals, and both assets have 8: what is less than a unit is nobody's.
      const differences = yield* sql`
        SELECT batch.id FROM settlement_batch AS batch JOIN customer_order ON batch_id = batch.id
        GROUP BY batch.id HAVING sum(customer_order.filled) + batch.house_filled <> trunc(batch.filled, 8)`
      assert.deepStrictEqual(differences, [])
      assert.isAbove(roundedUp, 0)
      const { ended, output } = yield* Effex.run(["ledger", "verify"], env)
      assert.strictEqual(yield* ended, 0, output())
      yield* Workload.report(
        `${ORDERS} small orders of ${USERS} users on two nodes: accepted in ${accepted.toFixed(1)} s, settled after ${settled.toFixed(1)} s in ${batches.length} batches; ${roundedUp} shares rounded up, each recomputed`
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)),
  600_000
)

import type { PgClient } from "@effect/sql-pg"
import { BigDecimal, Duration, Effect, Option, Schedule, Schema } from "effect"
import * as RecomputedAllocation from "../support/RecomputedAllocation.ts"
import type { OpenSession } from "./AccountChecks.ts"
import type { ExchangeOrder } from "./Exchange.ts"
import { Harness } from "./Harness.ts"
import { request } from "./Http.ts"
import type { OrderModel } from "./OrderModel.ts"
import { Report } from "./Report.ts"
import * as WalletChecks from "./WalletChecks.ts"

/** Longest time until every order has ended after the faults. */
const SETTLEMENT_TIMEOUT = "3 minutes"
/** Number of allocations that are computed again. */
const MAX_ALLOCATIONS = 50

interface StoredOrder {
  readonly id: string
  readonly key: string | null
  readonly user: string
  readonly asset: string
  readonly side: string
  readonly state: string
  /** US dollars. */
  readonly total: string
  readonly batch: string | null
  readonly filled: string | null
  readonly updatedAt: Date
}

interface StoredBatch {
  readonly id: string
  readonly asset: string
  readonly side: string
  readonly filled: string
  /** Of what was filled, whole units of the asset. The exchange fills parts of an order in finer ones. */
  readonly units: string
  /** The sum of the shares, and the part of the house. */
  readonly shared: string
}

/** Compares the stored orders with what clients know, and with what the exchange did. */
export const run = (model: OrderModel, open: ReadonlyArray<OpenSession>) =>
  Effect.gen(function* () {
    const { exchange, postgres } = yield* Harness
    const report = yield* Report
    const sql = yield* postgres.sql
    yield* awaitSettlement(sql)
    const stored = yield* readOrders(sql)
    yield* checkOutcomes(sql, model, stored)
    yield* checkHistories(sql)
    yield* checkExchange(sql, stored, yield* exchange.orders)
    yield* checkPositions(sql)
    yield* checkAllocations(model, stored, open)
    const count = (state: string) => stored.filter((order) => order.state === state).length
    report.figure(
      "orders",
      `${stored.length}: ${count("completed")} completed, ${count("failed")} failed, ${count("cancelled")} cancelled`
    )
    report.figure("orders that a client tried to cancel", String(model.cancelRequested.size))
    report.figure("requests to the exchange", String(yield* exchange.requests))
  }).pipe(Effect.scoped)

const awaitSettlement = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const open = sql<{ order: string }>`
    SELECT concat_ws(' ', o.id, o.state, o.side, o.asset, batch.state, batch.last_error, 'failures', batch.failures) AS order
    FROM customer_order AS o LEFT JOIN settlement_batch AS batch ON batch.id = batch_id
    WHERE o.state IN ('pending', 'aggregated', 'submitted')`
  const [elapsed] = yield* open.pipe(
    Effect.repeat({ until: (rows) => rows.length === 0, schedule: Schedule.spaced("200 millis") }),
    Effect.timeoutOrElse({
      duration: SETTLEMENT_TIMEOUT,
      orElse: () =>
        Effect.flatMap(open, (rows) =>
          report.violation("every order ends", rows.map(({ order }) => order).join("; "))
        )
    }),
    Effect.timed
  )
  report.figure(
    "time until every order had ended",
    Duration.format(Duration.millis(Math.ceil(Duration.toMillis(elapsed))))
  )
})

const readOrders = (sql: PgClient.PgClient) => sql<StoredOrder>`
  SELECT o.id, outcome.key, username AS user, asset, side, state, trim_scale(total)::text AS total, batch_id AS batch,
    filled::text AS filled, o.updated_at AS "updatedAt"
  FROM customer_order AS o JOIN wallet ON wallet.id = wallet_id JOIN app_user ON app_user.id = user_id
  LEFT JOIN ledger_outcome AS outcome ON outcome.subject = o.id`

/** No acknowledged order is lost or differs, and no order exists that nobody placed. */
const checkOutcomes = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  model: OrderModel,
  stored: ReadonlyArray<StoredOrder>
) {
  const report = yield* Report
  const byKey = new Map(stored.map((order) => [order.key, order]))
  for (const order of stored) {
    const known = model.byKey.get(order.key ?? "")
    const detail = JSON.stringify(order)
    if (known === undefined) {
      yield* report.violation("each order was placed by a client", detail)
      continue
    }
    const { asset, cents, side, user } = known.intent
    const isSame = order.asset === asset && order.side === side && order.user === user
    if (!isSame || WalletChecks.cents(order.total) > cents)
      yield* report.violation("an order is what was asked for", detail)
    if (model.cancelled.has(order.id) && order.state !== "cancelled")
      yield* report.violation("a cancelled order stays cancelled", detail)
    if (order.state === "cancelled" && (order.batch !== null || order.filled !== null))
      yield* report.violation("nothing of a cancelled order is filled", detail)
    if (order.state === "cancelled" && !model.cancelRequested.has(order.id))
      yield* report.violation("an order is cancelled only on request", detail)
  }
  for (const { intent, outcome } of model.byKey.values()) {
    const order = byKey.get(intent.key)
    const detail = `${intent.key}: ${JSON.stringify(outcome)}, stored ${JSON.stringify(order)}`
    if (typeof outcome === "object" && order?.id !== outcome.id)
      yield* report.violation("no acknowledged order is lost", detail)
    if (outcome === "refused" && order !== undefined)
      yield* report.violation("a refused order stays refused", detail)
  }
  const holds = yield* sql<{ id: string }>`
    SELECT transfer.id FROM ledger_transfer AS transfer
    WHERE kind = 'order' AND NOT EXISTS (SELECT FROM customer_order WHERE id = transfer.id)`
  for (const { id } of holds) yield* report.violation("no money is held without an order", id)
})

const UNREVIEWED_HISTORIES = [
  "aggregated,cancelled",
  ...["aggregated", "pending"].flatMap((first) =>
    ["completed", "failed"].map((last) => `${first},submitted,${last}`)
  )
]
const LEGAL_HISTORIES = new Set([
  ...UNREVIEWED_HISTORIES,
  ...["failed", "cancelled", ...UNREVIEWED_HISTORIES].map((rest) => `held-for-review,${rest}`)
])

const checkHistories = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const rows = yield* sql<{ id: string; states: string }>`
    SELECT order_id AS id, string_agg(state, ',' ORDER BY version) AS states FROM order_event GROUP BY order_id`
  for (const { id, states } of rows)
    if (!LEGAL_HISTORIES.has(states)) yield* report.violation("each order ends once", `${id}: ${states}`)
})

const isEqual = (text: string | null, amount: BigDecimal.BigDecimal) =>
  Option.exists(BigDecimal.fromString(text ?? ""), (value) => BigDecimal.equals(value, amount))

/** What the exchange filled is what orders got, and no order completed before the exchange had ended its own. */
const checkExchange = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  stored: ReadonlyArray<StoredOrder>,
  executed: ReadonlyArray<ExchangeOrder>
) {
  const report = yield* Report
  const batches = yield* sql<StoredBatch>`
    SELECT batch.id, batch.asset, batch.side, batch.filled::text AS filled,
      trim_scale(sum(o.filled) + house_filled)::text AS shared,
      trim_scale(trunc(batch.filled, decimals))::text AS units
    FROM settlement_batch AS batch JOIN customer_order AS o ON o.batch_id = batch.id
    JOIN asset ON asset.code = batch.asset GROUP BY batch.id, decimals`
  const excess = yield* sql<{ id: string }>`
    SELECT id FROM settlement_batch AS batch WHERE customer_amount <>
      (SELECT sum(amount) FROM customer_order WHERE batch_id = batch.id)`
  for (const { id } of excess) yield* report.violation("a batch orders what its orders ask for", id)
  const byId = new Map(executed.map((order) => [order.clientOrderId, order]))
  const ids = new Set(batches.map(({ id }) => id))
  for (const { clientOrderId } of executed)
    if (!ids.has(clientOrderId))
      yield* report.violation("the exchange has only orders of batches", clientOrderId)
  const nothing = BigDecimal.make(0n, 0)
  for (const batch of batches) {
    const order = byId.get(batch.id)
    const detail = `${JSON.stringify(batch)}, at the exchange ${order === undefined ? "none" : BigDecimal.format(order.filled)}`
    if (!isEqual(batch.filled, order?.filled ?? nothing))
      yield* report.violation("a batch is filled as the exchange says", detail)
    if (batch.shared !== batch.units)
      yield* report.violation("the shares of a batch are what the exchange filled", detail)
    if (order !== undefined && (order.code !== batch.asset || order.side !== batch.side))
      yield* report.violation("the exchange has the order of its batch", detail)
  }
  for (const { batch, id, state, updatedAt } of stored) {
    if (state !== "completed") continue
    const { endedAt } = byId.get(batch ?? "") ?? { endedAt: undefined }
    if (endedAt === undefined || updatedAt.getTime() < endedAt)
      yield* report.violation(
        "no order completes before the exchange has ended its own",
        `${id} at ${updatedAt.toISOString()}, the exchange at ${endedAt}`
      )
  }
  report.figure("orders at the exchange", `${executed.length} for ${batches.length} batches`)
})

/** Users have what their orders bought, the house has the opposite, and nothing stays held. */
const checkPositions = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const report = yield* Report
  const wrong = yield* sql<{ account: string }>`
    SELECT concat_ws(' ', wallet_id, asset, coalesce(balance, 0), 'instead of', bought) AS account FROM (
      SELECT wallet_id, asset, sum(CASE side WHEN 'buy' THEN filled ELSE -filled END) AS bought
      FROM customer_order WHERE filled IS NOT NULL GROUP BY wallet_id, asset
    ) AS position LEFT JOIN ledger_account AS account USING (asset)
    WHERE account.role = 'user' AND account.owner = wallet_id AND balance <> bought`
  for (const { account } of wrong) yield* report.violation("users have what their orders bought", account)
  const house = yield* sql<{ account: string }>`
    SELECT concat_ws(' ', asset, balance, 'instead of', -bought) AS account FROM (
      SELECT batch.asset, sum(trunc(filled, decimals) * CASE side WHEN 'buy' THEN 1 ELSE -1 END) AS bought
      FROM settlement_batch AS batch JOIN asset ON asset.code = batch.asset WHERE batch.state = 'allocated' GROUP BY batch.asset
    ) AS position JOIN ledger_account AS account USING (asset)
    WHERE account.role = 'exchange' AND balance <> -bought`
  for (const { account } of house) yield* report.violation("the exchange account is what was traded", account)
  const held = yield* sql<{ account: string }>`
    SELECT concat_ws(' ', owner, asset, held) AS account FROM ledger_account
    WHERE role = 'user' AND held <> 0 AND asset <> 'USD'`
  for (const { account } of held) yield* report.violation("nothing stays held", account)
})

const decodeAllocation = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.Struct({
      batch_id: Schema.String,
      unit: Schema.String,
      filled: Schema.String,
      sum: Schema.String,
      house: Schema.Struct({ amount: Schema.String, filled: Schema.String }),
      orders: Schema.Array(
        Schema.Struct({
          order_id: Schema.String,
          amount: Schema.String,
          total_price: Schema.String,
          filled: Schema.String,
          charged: Schema.String
        })
      )
    })
  )
)

/** Divides the fills of some batches again from what the API publishes. */
const checkAllocations = Effect.fnUntraced(function* (
  model: OrderModel,
  stored: ReadonlyArray<StoredOrder>,
  open: ReadonlyArray<OpenSession>
) {
  const { nodes } = yield* Harness
  const report = yield* Report
  const sessions = new Map(open.map((session) => [session.user.username, session]))
  const checked = new Set<string>()
  for (const { batch, id, user } of stored) {
    const session = sessions.get(user)
    if (batch === null || session === undefined || checked.has(batch) || checked.size >= MAX_ALLOCATIONS)
      continue
    checked.add(batch)
    const response = yield* request(nodes[0]?.current()?.url ?? "", `/api/v1/orders/${id}/allocation`, {
      headers: { authorization: `Bearer ${session.access}` }
    })
    const text = Option.match(response, { onNone: () => "no response", onSome: (found) => found.text })
    const allocation = decodeAllocation(text)
    const fault = Option.match(allocation, {
      onNone: () => "it cannot be read",
      onSome: (published) => recompute(published)
    })
    if (fault !== undefined) yield* report.violation("a user recomputes the own share", `${fault}: ${text}`)
  }
  report.figure("allocations recomputed", `${checked.size} of ${model.byKey.size} orders`)
})

const recompute = (published: RecomputedAllocation.PublishedAllocation) => {
  try {
    RecomputedAllocation.check(published)
    return undefined
  } catch (error) {
    return String(error)
  }
}

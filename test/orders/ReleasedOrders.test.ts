import { assert, layer } from "@effect/vitest"
import { BigDecimal, DateTime, Duration, Effect, Metric, Option } from "effect"
import { Orders } from "../../src/orders/Orders.ts"
import { ReservationRepo } from "../../src/orders/settlement/ReservationRepo.ts"
import * as SettlementRunner from "../../src/orders/settlement/SettlementRunner.ts"
import * as OrderMetrics from "../../src/platform/metrics/OrderMetrics.ts"
import { ScriptedExchange } from "../support/ScriptedExchange.ts"
import * as TestOrders from "../support/TestOrders.ts"
import * as TestReviews from "../support/TestReviews.ts"
import * as TestSettlement from "../support/TestSettlement.ts"
import * as TestWallets from "../support/TestWallets.ts"

const { list, place, stateOf } = TestOrders

const MAX_WAIT = Duration.minutes(5)
const RULE = { threshold: BigDecimal.make(10n, 0), maxWait: MAX_WAIT }
/** Time that passes before an order is approved. */
const REVIEWED_MILLIS = 300

/** An order that was approved some time after it was placed, as it is now. */
const released = Effect.fnUntraced(function* (code: string, amount: string) {
  yield* list(code, "10")
  const user = yield* TestWallets.user(code.toLowerCase(), { USD: "100" })
  const { order } = yield* TestReviews.unpriced(place(user, "buy", code, amount))
  const until = DateTime.add(order.createdAt, { milliseconds: REVIEWED_MILLIS })
  while (DateTime.isLessThan(yield* DateTime.now, until)) yield* Effect.sleep("20 millis")
  yield* TestReviews.decide("approve", order.id)
  return yield* (yield* Orders).find(user.id, order.id)
})

/** Seconds since the oldest order was accepted, as the metric has them. */
const oldest = Effect.andThen(SettlementRunner.measure, Metric.value(OrderMetrics.oldestUnsettled)).pipe(
  Effect.map(({ value }) => value)
)

const secondsSince = (time: DateTime.Utc) =>
  Effect.map(DateTime.now, (now) => Duration.toSeconds(DateTime.distance(time, now)))

// Reviews expire by the time of the node.
layer(TestReviews.layer(), { excludeTestServices: true })("An order that was held for review", (it) => {
  it.effect("waits in its pool from its approval on", () =>
    Effect.gen(function* () {
      const order = yield* released("AGEP", "0.5")
      const { waiting } = yield* ReservationRepo
      const pool = yield* (yield* Orders).pool(order.asset, "buy")
      assert.deepStrictEqual(
        Option.map(pool, ({ oldestAt }) => oldestAt.epochMilliseconds),
        Option.some(order.updatedAt.epochMilliseconds)
      )
      assert.isAtLeast(order.updatedAt.epochMilliseconds - order.createdAt.epochMilliseconds, REVIEWED_MILLIS)
      const dueAt = DateTime.addDuration(order.updatedAt, MAX_WAIT)
      const before = DateTime.subtract(dueAt, { milliseconds: 1 })
      assert.deepStrictEqual(yield* waiting(before, RULE, 10), [])
      const due = { asset: order.asset, side: order.side, orderId: null }
      assert.deepStrictEqual(yield* waiting(dueAt, RULE, 10), [due])
      assert.isAtMost(yield* oldest, yield* secondsSince(order.updatedAt))
      yield* (yield* Orders).cancel(order.walletId, order.id, "user:test")
    })
  )

  it.effect("counts as unsettled from its approval on, also at the exchange", () =>
    Effect.gen(function* () {
      const order = yield* released("AGES", "3")
      assert.isAtMost(yield* oldest, yield* secondsSince(order.updatedAt))
      yield* (yield* ScriptedExchange).script([{ does: "open" }])
      yield* TestSettlement.settle
      assert.strictEqual((yield* stateOf(order))[0], "submitted")
      const age = yield* oldest
      assert.isAtMost(age, yield* secondsSince(order.updatedAt))
      assert.isAbove(age, 0)
    })
  )
})

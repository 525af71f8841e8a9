import { DateTime, Effect, Metric, Option } from "effect"
import type { OrderId } from "../domain/orders/Order.ts"
import * as OrderMetrics from "../platform/metrics/OrderMetrics.ts"
import { Database } from "../platform/postgres/Database.ts"
import { HeldOrderRepo } from "./HeldOrderRepo.ts"
import * as OrderRefund from "./OrderRefund.ts"

/** Reason for which an order failed on whose review no administrator decided in time. */
export const EXPIRED = "review-expired"

/**
 * Creates the function that fails an order that is held for review, and voids its hold, in the open transaction of the caller, which
 * has locked the review. Returns the transfer that gave the money back; none if the order is not held any more.
 */
export const make = Effect.gen(function* () {
  const { afterCommit } = (yield* Database).sql
  const repo = yield* HeldOrderRepo
  const refund = yield* OrderRefund.make

  return Effect.fnUntraced(function* (id: OrderId, reason: string) {
    const failed = yield* repo.fail(id, reason, yield* DateTime.now)
    if (Option.isNone(failed)) return Option.none()
    const transfer = yield* refund(failed.value, reason)
    yield* afterCommit(Metric.update(OrderMetrics.orders.of({ state: "failed" }), 1))
    return Option.some(transfer)
  })
})

import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Result, Schema } from "effect"
import * as Decimal from "../../../src/domain/money/Decimal.ts"
import * as AlpacaOrder from "../../../src/exchanges/alpaca/AlpacaOrder.ts"
import * as Answers from "./AlpacaAnswers.ts"

/** Units of 10^-9, the smallest amount of an order. */
const Units = Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 1n, maximum: 10n ** 18n }))
const text = (value: bigint) => Decimal.format(BigDecimal.make(value, 9))

const Status = Schema.Literals([
  "new",
  "partially_filled",
  "filled",
  "canceled",
  "expired",
  "rejected",
  "replaced",
  "done_for_day"
])
const fields = Object.keys(Answers.order())

describe("AlpacaOrder", () => {
  it.prop("reads any amounts exactly, or not at all", [Units, Units, Units, Status], (values) => {
    const [first, second, price, status] = values
    for (const [qty, filled] of [
      [first, second],
      [first, first]
    ] as const) {
      const order = AlpacaOrder.read(
        Answers.order({ status, qty: text(qty), filled_qty: text(filled), filled_avg_price: text(price) })
      )
      const isConsistent = filled <= qty && (status !== "filled" || filled === qty) && status !== "replaced"
      assert.strictEqual(Result.isSuccess(order), isConsistent)
      if (Result.isFailure(order)) continue
      assert.strictEqual(Decimal.format(order.success.filled), text(filled))
      const cost = BigDecimal.make(filled * price, 18)
      assert.strictEqual(Decimal.format(order.success.cost), Decimal.format(cost))
    }
  })

  it.prop("fails for any other JSON, without a defect", [Schema.Json], ([json]) => {
    assert.isTrue(Result.isFailure(AlpacaOrder.read(json)))
    for (const field of fields) {
      const order = AlpacaOrder.read(Answers.order({ [field]: json }))
      // Either the field is not read, or the value is valid, or the order is refused.
      assert.isTrue(Result.isSuccess(order) || ["malformed", "contradictory"].includes(order.failure.kind))
    }
  })
})

import { BigDecimal } from "effect"
import { type Allocation, allocate } from "../../domain/orders/Allocation.ts"
import type { Batch } from "../../domain/orders/Batch.ts"
import { MINOR_UNIT } from "../../domain/orders/PriceLock.ts"
import { toUnits } from "../../domain/orders/Units.ts"
import type { BatchMember } from "../OrderRows.ts"

const ZERO = BigDecimal.make(0n, 0)

/**
 * Computes the shares of the orders of a batch whose order at the exchange has ended. `decimals` are those of the asset. The result
 * is the same whenever it is computed.
 */
export const compute = (batch: Batch, orders: ReadonlyArray<BatchMember>, decimals: number): Allocation => {
  const ordered = batch.exchangeAmount ?? batch.customerAmount
  const beyond = BigDecimal.subtract(ordered, batch.customerAmount)
  return allocate(
    orders.map(({ amount, id, total }) => ({
      id,
      amount: toUnits(amount, decimals),
      total: toUnits(total, MINOR_UNIT)
    })),
    toUnits(BigDecimal.max(beyond, ZERO), decimals),
    toUnits(batch.filled ?? ZERO, decimals)
  )
}

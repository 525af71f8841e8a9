import { Effect } from "effect"
import * as Sandbox from "../../providers/sandbox/Sandbox.ts"
import * as SandboxPrices from "../../providers/sandbox/SandboxPrices.ts"
import * as ExchangeSandbox from "./ExchangeSandbox.ts"
import type { SandboxOrders } from "./SandboxOrders.ts"

const DEFAULT_SEED = "effex"

/** Listens on a port, with the sandboxes of all providers, until the scope closes. */
export const listen = Effect.fn("SandboxExchange.listen")(function* (options: {
  readonly host: string
  readonly port: number
  readonly seed?: string
  readonly orders: SandboxOrders
}) {
  const { orders, seed = DEFAULT_SEED, ...address } = options
  const exchange = ExchangeSandbox.make(SandboxPrices.make(seed), orders)
  const sandbox = yield* Sandbox.listen({ ...address, seed, simulations: [exchange.simulation] })
  return { sandbox, exchange, apiUrl: sandbox.baseUrl + ExchangeSandbox.PATH }
})

import { Context, Effect, Layer } from "effect"
import type { HttpServerError } from "effect/http"
import type { Database } from "../../platform/postgres/Database.ts"
import * as Sandbox from "../../providers/sandbox/Sandbox.ts"
import * as SandboxPrices from "../../providers/sandbox/SandboxPrices.ts"
import type { ExchangeFault } from "./ExchangeFaults.ts"
import * as ExchangeSandbox from "./ExchangeSandbox.ts"
import * as SandboxOrderRepo from "./SandboxOrderRepo.ts"
import * as SandboxOrders from "./SandboxOrders.ts"

const DEFAULT_SEED = "effex"

/** Listens on a port, with the sandboxes of all providers, until the scope closes. */
export const listen = Effect.fn("SandboxExchange.listen")(function* (options: {
  readonly host: string
  readonly port: number
  readonly seed?: string
  readonly orders: SandboxOrders.SandboxOrders
}) {
  const { orders, seed = DEFAULT_SEED, ...address } = options
  const exchange = ExchangeSandbox.make(SandboxPrices.make(seed), orders)
  const sandbox = yield* Sandbox.listen({ ...address, seed, simulations: [exchange.simulation] })
  return { sandbox, exchange, apiUrl: sandbox.baseUrl + ExchangeSandbox.PATH }
})

const make = Effect.fnUntraced(function* <R>(stored: Effect.Effect<SandboxOrders.SandboxOrders, never, R>) {
  const orders = yield* stored
  const { apiUrl, exchange, sandbox } = yield* listen({ host: "127.0.0.1", port: 0, orders })
  yield* Effect.logInfo(`The sandbox exchange takes faults at ${sandbox.baseUrl}/faults`)
  const { clear, inject, requests } = exchange
  return { apiUrl, inject, clear, requests }
})

/** The sandbox exchange of this process, on a free local port. */
export class SandboxExchange extends Context.Service<
  SandboxExchange,
  {
    /** Base URL of its API. */
    readonly apiUrl: string
    /** Injects a fault, which replaces the previous one. */
    readonly inject: (fault: ExchangeFault) => Effect.Effect<void>
    /** Clears the fault. */
    readonly clear: Effect.Effect<void>
    /** Number of requests so far. */
    readonly requests: Effect.Effect<number>
  }
>()("effex/exchanges/sandbox/SandboxExchange") {
  /** Orders are in PostgreSQL, so that all nodes have the same ones, and a restart loses none. */
  static readonly layer: Layer.Layer<SandboxExchange, HttpServerError.ServeError, Database> = Layer.effect(
    SandboxExchange,
    make(SandboxOrderRepo.make)
  )

  /** Orders are lost with the layer. */
  static readonly layerMemory: Layer.Layer<SandboxExchange, HttpServerError.ServeError> = Layer.effect(
    SandboxExchange,
    make(Effect.sync(SandboxOrders.makeMemory))
  )
}

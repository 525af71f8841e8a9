import { type BigDecimal, Clock, Effect } from "effect"
import type { ExchangeFault } from "../../src/exchanges/sandbox/ExchangeFaults.ts"
import * as SandboxExchange from "../../src/exchanges/sandbox/SandboxExchange.ts"
import * as SandboxOrder from "../../src/exchanges/sandbox/SandboxOrder.ts"
import * as SandboxOrders from "../../src/exchanges/sandbox/SandboxOrders.ts"

/** Faults of the exchange. */
export const FAULTS = [
  "accept-hang",
  "accept-late",
  "accept-500",
  "accept-reset",
  "hidden",
  "partial-fills",
  "partial-cancel",
  "repeated-fill",
  "no-fill",
  "reject",
  "refuse",
  "price-move",
  "down",
  "hang",
  "429",
  "500",
  "html",
  "unauthorized",
  "market-closed"
] as const satisfies ReadonlyArray<ExchangeFault["fault"]>
export type ExchangeFaultName = (typeof FAULTS)[number]

/** Assets that are traded, as `effex assets add` takes them. */
export const ASSETS = [
  {
    code: "BTC",
    decimals: 8,
    flags: ["--kind", "crypto", "--symbol", "coingecko=bitcoin", "--exchange-symbol", "BTC/USD"]
  },
  {
    code: "ETH",
    decimals: 18,
    flags: ["--kind", "crypto", "--symbol", "coingecko=ethereum", "--exchange-symbol", "ETH/USD"]
  },
  { code: "AAPL", decimals: 9, flags: ["--kind", "stock", "--symbol", "massive=AAPL"] }
] as const

/** What the exchange finally did with an order. */
export interface ExchangeOrder {
  readonly clientOrderId: string
  readonly code: string
  readonly side: "buy" | "sell"
  readonly filled: BigDecimal.BigDecimal
  /** When it ended, in epoch milliseconds. Undefined while it is open. */
  readonly endedAt: number | undefined
}

/** Runs a sandbox exchange and price providers for the lifetime of the scope. They outlive every node. */
export const listen = Effect.fnUntraced(function* (seed: number) {
  const memory = SandboxOrders.makeMemory()
  const ids = new Set<string>()
  const { apiUrl, exchange, sandbox } = yield* SandboxExchange.listen({
    host: "127.0.0.1",
    port: 0,
    seed: String(seed),
    orders: {
      ...memory,
      insert: (order) =>
        Effect.tap(memory.insert(order), () => Effect.sync(() => ids.add(order.clientOrderId)))
    }
  })
  const all = Effect.gen(function* () {
    const found = yield* Effect.forEach(ids, memory.find)
    return found.flatMap((order) => (order._tag === "Some" ? [order.value] : []))
  }).pipe(Effect.orDie)

  /** Cancels the orders that would stay open forever, as an operator does at the exchange. */
  const cancelOpen = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    for (const order of yield* all)
      if (order.fills.length === 0 && order.end === undefined)
        yield* Effect.orDie(memory.end(order.clientOrderId, { at, status: "canceled" }))
  })

  return {
    env: {
      COINGECKO_BASE_URL: `${sandbox.baseUrl}/coingecko/api/v3`,
      COINGECKO_API_KEY: "soak",
      MASSIVE_BASE_URL: `${sandbox.baseUrl}/massive`,
      MASSIVE_API_KEY: "soak",
      ALPACA_BASE_URL: apiUrl,
      ALPACA_KEY_ID: "soak",
      ALPACA_SECRET_KEY: "soak"
    },
    /** `parameter` decides how far the price of `price-move` is off. */
    startFault: (fault: ExchangeFaultName, parameter: number) =>
      exchange.inject({ provider: "alpaca", fault, percent: (parameter % 21) - 10 }),
    endFault: Effect.andThen(exchange.clear, cancelOpen),
    /** Every order that the exchange accepted. */
    orders: Effect.map(all, (orders) => orders.map(outcomeOf)),
    requests: exchange.requests
  }
})

export type Exchange = Effect.Success<ReturnType<typeof listen>>

const outcomeOf = (order: SandboxOrder.SandboxOrder): ExchangeOrder => {
  const { filled, status } = SandboxOrder.stateAt(order, Number.MAX_SAFE_INTEGER)
  const isOpen = status === "accepted" || status === "partially_filled"
  const endedAt = status === "filled" ? order.fills.at(-1)?.at : order.end?.at
  const { clientOrderId, side, symbol } = order
  return {
    clientOrderId,
    side,
    code: symbol.replace("/USD", ""),
    filled,
    endedAt: isOpen ? undefined : endedAt
  }
}

import { BigDecimal, Context, Effect, Layer, Option } from "effect"
import {
  ExchangeClient,
  type ExchangeOrder,
  ExchangeRefused,
  type ExchangeTerms,
  ExchangeUnknown,
  type NewExchangeOrder,
  type RefusalKind,
  type UnknownKind
} from "../../src/exchanges/ExchangeClient.ts"

/**
 * What happens to a submitted order:
 *
 * - `fill`: it is accepted, and filled at once: `part` of it (all by default), at `price` per unit
 * - `open`: it is accepted, and stays open until {@link ScriptedExchange.Service.update}
 * - `refuse`: it is refused
 * - `lose-answer`: the same as `outcome`, but the caller sees an unknown outcome
 * - `lose-request`: the order does not reach the exchange, and the caller sees an unknown outcome
 */
export type Submission =
  | { readonly does: "fill"; readonly price: string; readonly part?: string; readonly fee?: string }
  | { readonly does: "open" }
  | { readonly does: "refuse"; readonly kind?: RefusalKind }
  | {
      readonly does: "lose-answer"
      readonly outcome: Exclude<Submission, { does: "lose-answer" | "lose-request" }>
      readonly kind?: UnknownKind
    }
  | { readonly does: "lose-request"; readonly kind?: UnknownKind }

const NAME = "scripted"
const ZERO = BigDecimal.make(0n, 0)

const unknown = (kind: UnknownKind = "timeout") =>
  new ExchangeUnknown({ exchange: NAME, kind, detail: "scripted" })

const terms: ExchangeTerms = {
  tradable: true,
  minimumAmount: BigDecimal.make(1n, 9),
  minimumCost: BigDecimal.make(1n, 0),
  increment: BigDecimal.make(1n, 9),
  isOpen: true,
  opensAt: Option.none()
}

const make = Effect.sync(() => {
  const orders = new Map<string, ExchangeOrder>()
  const submitted: Array<NewExchangeOrder> = []
  const cancelled: Array<string> = []
  let script: Array<Submission> = []
  let fallback: Submission = { does: "fill", price: "100" }
  let isDown = false
  let hiddenLookups = 0
  let current = terms

  const whileUp = <A, E>(answer: () => Effect.Effect<A, E>) =>
    Effect.suspend((): Effect.Effect<A, E | ExchangeUnknown> =>
      isDown ? Effect.fail(unknown("unreachable")) : answer()
    )

  const accept = (order: NewExchangeOrder, fields: Partial<ExchangeOrder>) => {
    const accepted: ExchangeOrder = {
      id: `order-${orders.size + 1}`,
      clientOrderId: order.clientOrderId,
      state: "open",
      amount: order.amount,
      filled: ZERO,
      cost: ZERO,
      fee: ZERO,
      ...fields
    }
    orders.set(order.clientOrderId, accepted)
    return accepted
  }

  const run = (
    order: NewExchangeOrder,
    submission: Submission
  ): Effect.Effect<ExchangeOrder, ExchangeRefused | ExchangeUnknown> => {
    switch (submission.does) {
      case "fill": {
        const part = BigDecimal.fromStringUnsafe(submission.part ?? "1")
        const filled = BigDecimal.multiply(order.amount, part)
        return Effect.succeed(
          accept(order, {
            state: BigDecimal.equals(filled, order.amount) ? "filled" : "cancelled",
            filled,
            cost: BigDecimal.multiply(filled, BigDecimal.fromStringUnsafe(submission.price)),
            fee: BigDecimal.fromStringUnsafe(submission.fee ?? "0")
          })
        )
      }
      case "open":
        return Effect.succeed(accept(order, {}))
      case "refuse":
        return new ExchangeRefused({ exchange: NAME, kind: submission.kind ?? "other", detail: "scripted" })
      case "lose-answer":
        return run(order, submission.outcome).pipe(Effect.andThen(unknown(submission.kind)))
      case "lose-request":
        return unknown(submission.kind)
    }
  }

  const client = ExchangeClient.of({
    name: NAME,
    submit: (order) =>
      whileUp(() => {
        submitted.push(order)
        const existing = orders.get(order.clientOrderId)
        return existing === undefined ? run(order, script.shift() ?? fallback) : Effect.succeed(existing)
      }),
    find: (clientOrderId) =>
      whileUp(() => {
        if (hiddenLookups > 0) {
          hiddenLookups--
          return Effect.succeedNone
        }
        return Effect.succeed(Option.fromUndefinedOr(orders.get(clientOrderId)))
      }),
    cancel: (clientOrderId) =>
      whileUp(() => {
        const order = orders.get(clientOrderId)
        if (order?.state !== "open") {
          const kind = order === undefined ? "not-found" : "not-cancelable"
          return new ExchangeRefused({ exchange: NAME, kind, detail: "scripted" })
        }
        cancelled.push(clientOrderId)
        orders.set(clientOrderId, { ...order, state: "cancelled" })
        return Effect.void
      }),
    terms: () => whileUp(() => Effect.succeed(current)),
    account: whileUp(() =>
      Effect.succeed({ buyingPower: BigDecimal.make(1_000_000n, 0), blocked: Option.none() })
    )
  })

  const control = ScriptedExchange.of({
    script: (submissions) =>
      Effect.sync(() => {
        script = [...submissions]
      }),
    always: (submission) =>
      Effect.sync(() => {
        script = []
        fallback = submission
      }),
    update: (clientOrderId, fields) =>
      Effect.suspend(() => {
        const order = orders.get(clientOrderId)
        if (order === undefined) return Effect.die(`the exchange has no order ${clientOrderId}`)
        orders.set(clientOrderId, { ...order, ...fields })
        return Effect.void
      }),
    hideLookups: (count) =>
      Effect.sync(() => {
        hiddenLookups = count
      }),
    setDown: (down) =>
      Effect.sync(() => {
        isDown = down
      }),
    setTerms: (fields) =>
      Effect.sync(() => {
        current = { ...terms, ...fields }
      }),
    submitted: Effect.sync(() => [...submitted]),
    cancelled: Effect.sync(() => [...cancelled]),
    orders: Effect.sync(() => Array.from(orders.values()))
  })

  return Context.make(ExchangeClient, client).pipe(Context.add(ScriptedExchange, control))
})

/** An exchange in memory whose outcomes a test decides. By default it fills every order at 100 US dollars a unit. */
export class ScriptedExchange extends Context.Service<
  ScriptedExchange,
  {
    /** Decides the outcomes of the next orders, in order. Later ones have the default outcome. */
    readonly script: (submissions: ReadonlyArray<Submission>) => Effect.Effect<void>
    /** Changes the default outcome, and forgets the script. */
    readonly always: (submission: Submission) => Effect.Effect<void>
    /** Changes an accepted order, such as `{ state: "filled", filled, cost }`. */
    readonly update: (clientOrderId: string, fields: Partial<ExchangeOrder>) => Effect.Effect<void>
    /** Answers the next lookups with "not found". */
    readonly hideLookups: (count: number) => Effect.Effect<void>
    /** While down, every call has an unknown outcome and no effect. */
    readonly setDown: (down: boolean) => Effect.Effect<void>
    /** Changes the terms of every asset from the defaults. */
    readonly setTerms: (fields: Partial<ExchangeTerms>) => Effect.Effect<void>
    /** Every submission that reached `submit` while up, repeated ones too. */
    readonly submitted: Effect.Effect<ReadonlyArray<NewExchangeOrder>>
    /** Client order ids of the orders that were cancelled. */
    readonly cancelled: Effect.Effect<ReadonlyArray<string>>
    /** Accepted orders. */
    readonly orders: Effect.Effect<ReadonlyArray<ExchangeOrder>>
  }
>()("effex/test/ScriptedExchange") {
  static readonly layer: Layer.Layer<ExchangeClient | ScriptedExchange> = Layer.effectContext(make)
}

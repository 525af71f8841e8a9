import { Effect, Option, Random, Schema } from "effect"
import type { OpenSession } from "./AccountChecks.ts"
import { type make as makeAccounts, UNKNOWN_CODES } from "./AccountOperations.ts"
import { ASSETS } from "./Exchange.ts"
import { codeOf } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import * as OrderChecks from "./OrderChecks.ts"
import { emptyModel, type OrderIntent, POOL_MILLIS } from "./OrderModel.ts"
import { Report } from "./Report.ts"
import * as Requests from "./Requests.ts"
import { amountOf } from "./WalletModel.ts"

/** Below the threshold of pools, and up to a few times above it. */
const [SMALL_CENTS, LARGE_CENTS] = [
  [100, 400],
  [1_000, 3_000]
] as const
/** Problems of a request that could not be priced. Its key stays free. */
const UNPRICED = new Set(["rate-unavailable", "rate-too-old", "clock-skewed", "overloaded"])

const Placed = Schema.Struct({
  id: Schema.String,
  asset: Schema.String,
  side: Schema.String,
  state: Schema.String,
  filled: Schema.NullOr(Schema.String)
})
const decodeOrder = Schema.decodeUnknownOption(Schema.fromJsonString(Placed))
const ENDED = new Set(["completed", "failed", "cancelled"])

/** Users who place, cancel and read orders, on alternating nodes. */
export const make = Effect.fnUntraced(function* (
  accounts: Pick<Effect.Success<typeof makeAccounts>, "open" | "settle" | "signedIn">
) {
  const report = yield* Report
  const { anyNode, otherNode, send } = yield* Requests.make
  const model = emptyModel()

  const headersOf = ({ access }: OpenSession) => ({ authorization: `Bearer ${access}` })

  /** Sends an order until its outcome is known. Every response of one key must have the same outcome. */
  const place = Effect.fnUntraced(function* (
    session: OpenSession,
    node: Node | undefined,
    intent: OrderIntent
  ) {
    const { asset, cents, key, side } = intent
    if (!model.byKey.has(key)) model.byKey.set(key, { intent, outcome: "unknown" })
    const settled = yield* accounts.settle(node, (to) =>
      send("order: place", to, "/api/v1/orders", {
        method: "POST",
        headers: { ...headersOf(session), "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ asset, side, notional: amountOf(cents) })
      })
    )
    if (Option.isNone(settled)) return
    const { response } = settled.value
    const code = codeOf(response)
    if (UNPRICED.has(code)) return
    const placed = response.status < 300 ? decodeOrder(response.text) : Option.none()
    const outcome = Option.match(placed, {
      onNone: () => (code === "insufficient-funds" ? ("refused" as const) : undefined),
      onSome: ({ id }) => ({ id })
    })
    const text = `${JSON.stringify({ ...intent, cents: String(cents) })}: ${response.text}`
    if (
      outcome === undefined ||
      Option.exists(placed, (order) => order.asset !== asset || order.side !== side)
    )
      return yield* report.violation("a user places an order", text)
    const known = model.byKey.get(key)?.outcome ?? "unknown"
    if (known !== "unknown" && JSON.stringify(known) !== JSON.stringify(outcome))
      yield* report.violation("a key of an order has one outcome", `${JSON.stringify(known)}, then ${text}`)
    model.byKey.set(key, { intent, outcome })
  })

  const newIntent = Effect.fnUntraced(function* (user: string) {
    const [least, most] = (yield* Random.next) < 0.6 ? SMALL_CENTS : LARGE_CENTS
    const [cents, number] = [
      yield* Random.nextIntBetween(least, most),
      yield* Random.nextIntBetween(0, 2 ** 48)
    ]
    const [at, isSale] = [yield* Random.nextIntBetween(0, ASSETS.length - 1), (yield* Random.next) < 0.3]
    const intent: OrderIntent = {
      key: `order ${number.toString(36)}`,
      user,
      asset: ASSETS[at]?.code ?? "BTC",
      side: isSale ? "sell" : "buy",
      cents: BigInt(cents)
    }
    return intent
  })

  const placeOne = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const node = yield* anyNode
      yield* place(session, node, yield* newIntent(session.user.username))
    })
  )

  /** Places one order from two clients, and another one beside it. */
  const placeConcurrently = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const node = yield* anyNode
      const [first, second] = [
        yield* newIntent(session.user.username),
        yield* newIntent(session.user.username)
      ]
      yield* Effect.forEach(
        [first, second, first],
        (intent, i) => place(session, i === 0 ? node : otherNode(node), intent),
        { concurrency: "unbounded", discard: true }
      )
    })
  )

  const ordersOf = (user: string) =>
    Array.from(model.byKey.values()).filter(({ intent }) => intent.user === user)

  const replay = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const [node, random] = [yield* anyNode, yield* Random.next]
      const own = ordersOf(session.user.username)
      const known = own[Math.floor(random * own.length)]
      if (known !== undefined) yield* place(session, node, known.intent)
    })
  )

  /** Checks what a response says about an order of a user. */
  const observe = Effect.fnUntraced(function* (id: string, { text }: Requests.NodeResponse) {
    const order = decodeOrder(text)
    if (Option.isNone(order) || order.value.id !== id)
      return yield* report.violation("a user reads the own order", `${id}: ${text}`)
    const { state } = order.value
    if (model.cancelled.has(id) && state !== "cancelled")
      yield* report.violation("a cancelled order stays cancelled", text)
    if (!ENDED.has(state)) {
      if (model.ended.has(id)) yield* report.violation("an order that has ended stays so", text)
      return
    }
    const known = model.ended.get(id)
    if (known !== undefined && known !== text)
      yield* report.violation("an order that has ended stays so", `${known}, then ${text}`)
    model.ended.set(id, text)
  })

  /** `newest` is the share of the orders of the user, the newest ones, of which a random one is used. */
  const withOwnOrder = (
    newest: number,
    use: (session: OpenSession, node: Node | undefined, id: string) => Effect.Effect<void>
  ) =>
    accounts.signedIn(
      Effect.fnUntraced(function* (session) {
        const [node, random] = [yield* anyNode, yield* Random.next]
        const own = ordersOf(session.user.username)
        const known = own[Math.floor((1 - random * newest) * own.length)]
        if (known !== undefined && typeof known.outcome === "object")
          yield* use(session, node, known.outcome.id)
      })
    )

  const read = withOwnOrder(
    1,
    Effect.fnUntraced(function* (session, node, id) {
      const headers = headersOf(session)
      const response = yield* send("order: read", node, `/api/v1/orders/${id}`, { headers })
      if (Option.isNone(response) || UNKNOWN_CODES.has(codeOf(response.value))) return
      yield* observe(id, response.value)
    })
  )

  const cancelOrder = Effect.fnUntraced(function* (session: OpenSession, node: Node | undefined, id: string) {
    model.cancelRequested.add(id)
    const headers = headersOf(session)
    const settled = yield* accounts.settle(node, (to) =>
      send("order: cancel", to, `/api/v1/orders/${id}`, { method: "DELETE", headers })
    )
    if (Option.isNone(settled)) return
    const { response } = settled.value
    if (codeOf(response) === "order-not-cancellable") return
    if (response.status !== 200) return yield* report.violation("a user cancels an order", response.text)
    model.cancelled.add(id)
  })

  // Only an order that still waits in its pool can be cancelled.
  const cancel = withOwnOrder(0.2, cancelOrder)

  /**
   * Places an order that waits in a pool, and cancels it from two nodes: at once, or about when the pool is settled, which takes
   * others along at any time.
   */
  const placeAndCancel = accounts.signedIn(
    Effect.fnUntraced(function* (session) {
      const node = yield* anyNode
      const intent = { ...(yield* newIntent(session.user.username)), cents: BigInt(SMALL_CENTS[0]) }
      yield* place(session, node, intent)
      const outcome = model.byKey.get(intent.key)?.outcome
      if (typeof outcome !== "object") return
      if ((yield* Random.next) < 0.3) yield* Effect.sleep(yield* Random.nextIntBetween(0, POOL_MILLIS + 500))
      yield* Effect.forEach([node, otherNode(node)], (at) => cancelOrder(session, at, outcome.id), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )

  const weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<void>]> = [
    [20, placeOne],
    [5, placeConcurrently],
    [4, replay],
    [8, read],
    [6, cancel],
    [8, placeAndCancel]
  ]
  return { weighted, check: OrderChecks.run(model, accounts.open) }
})

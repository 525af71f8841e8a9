import { DateTime, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Users } from "../../accounts/Users.ts"
import { UserNotFound } from "../../domain/accounts/User.ts"
import { AssetCode } from "../../domain/money/Asset.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { OrderId, OrderState } from "../../domain/orders/Order.ts"
import { OrderAdministration, type UserOrder } from "../../orders/OrderAdministration.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { limitFlag } from "../arguments/LimitFlag.ts"
import { reasonFlag } from "../arguments/ReasonFlag.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import * as Records from "../view/Records.ts"

const id = Argument.String("id").pipe(
  Argument.withDescription("Id of the order"),
  Argument.withSchema(OrderId)
)

const userOf = Effect.fnUntraced(function* (name: string) {
  const found = yield* (yield* Users).byUsername(name)
  return Option.isSome(found) ? found.value.id : yield* new UserNotFound({ user: name })
})

const list = Command.make(
  "list",
  {
    user: Flag.String("user").pipe(Flag.withDescription("Only orders of this username"), Flag.optional),
    state: Flag.Literals("state", OrderState.literals).pipe(
      Flag.withDescription("Only orders in this state"),
      Flag.optional
    ),
    asset: Flag.String("asset").pipe(
      Flag.withDescription("Only orders for this asset, such as BTC"),
      Flag.withSchema(AssetCode),
      Flag.optional
    ),
    limit: limitFlag("orders"),
    json: jsonFlag
  },
  Effect.fn(function* ({ asset, json, limit, state, user }) {
    const { page } = yield* OrderAdministration
    const filter = {
      user: Option.isSome(user) ? yield* userOf(user.value) : undefined,
      state: Option.getOrUndefined(state),
      asset: Option.getOrUndefined(asset)
    }
    const found = yield* page(filter, undefined, limit)
    yield* Records.printAll(found.map(fieldsOf), json, "There are no such orders")
  })
).pipe(Command.withDescription("List the orders of all users, newest first"))

const show = Command.make(
  "show",
  { id, json: jsonFlag },
  Effect.fn(function* ({ id, json }) {
    const orders = yield* OrderAdministration
    const order = yield* orders.find(id)
    const history = (yield* orders.history(id)).map(({ at, reason, state }) => ({
      state,
      at: DateTime.formatIso(at),
      reason
    }))
    const { batchId, clientOrderId, price } = order
    const details = { client_order_id: clientOrderId, price: Decimal.format(price), batch_id: batchId }
    yield* Records.printWithHistory({ ...fieldsOf(order), ...details }, history, json)
  })
).pipe(Command.withDescription("Show an order with its history, and the batch that settles it"))

const cancel = Command.make(
  "cancel",
  { id, reason: reasonFlag("Why, for the log of administrators"), json: jsonFlag },
  Effect.fn(function* ({ id, json, reason }) {
    const { cancel } = yield* OrderAdministration
    yield* Records.print(fieldsOf(yield* cancel({ id, reason, principal: yield* commandLineUser })), json)
  })
).pipe(
  Command.withDescription("Cancel an order that waits in a pool or for a review, and give its money back")
)

/** `effex orders`: shows and cancels orders of users in the database. It needs no server. */
export const command = Command.make("orders").pipe(
  Command.withDescription(
    "List and show the orders of users, and cancel those that wait in a pool or for a review"
  ),
  Command.withSubcommands([list, show, cancel]),
  Command.withExamples([
    {
      command: "effex orders list --user amara --state submitted",
      description: "Show what a user waits for"
    },
    {
      command: 'effex orders cancel 01a22c2a-5b82-73f4-8155-86a85e5da34d --reason "Asked for by phone"',
      description: "Take an order out of its pool, or end one that is held for review"
    }
  ])
)

const fieldsOf = (order: UserOrder) => ({
  id: order.id,
  username: order.username,
  asset: order.asset,
  side: order.side,
  amount: Decimal.format(order.amount),
  total_price: Decimal.format(order.total),
  state: order.state,
  reason: order.reason,
  filled: order.filled === null ? null : Decimal.format(order.filled),
  charged: order.charged === null ? null : Decimal.format(order.charged),
  created_at: DateTime.formatIso(order.createdAt),
  updated_at: DateTime.formatIso(order.updatedAt)
})

import { DateTime, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Decimal from "../../domain/money/Decimal.ts"
import { type Batch, BatchId, BatchState } from "../../domain/orders/Batch.ts"
import { Batches } from "../../orders/settlement/Batches.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { limitFlag } from "../arguments/LimitFlag.ts"
import { reasonFlag } from "../arguments/ReasonFlag.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import * as Records from "../view/Records.ts"

const id = Argument.String("id").pipe(
  Argument.withDescription("Id of the batch"),
  Argument.withSchema(BatchId)
)

const list = Command.make(
  "list",
  {
    state: Flag.Literals("state", BatchState.literals).pipe(
      Flag.withDescription("Only batches in this state"),
      Flag.optional
    ),
    dead: Flag.Boolean("dead").pipe(
      Flag.withDescription("Only batches that were given up"),
      Flag.withDefault(false)
    ),
    limit: limitFlag("batches"),
    json: jsonFlag
  },
  Effect.fn(function* ({ dead, json, limit, state }) {
    const { page } = yield* Batches
    const filter = { state: Option.getOrUndefined(state), dead: dead ? true : undefined }
    const found = yield* page(filter, undefined, limit)
    yield* Records.printAll(found.map(fieldsOf), json, "There are no such batches")
  })
).pipe(Command.withDescription("List the batches in which orders are settled, newest first"))

const show = Command.make(
  "show",
  { id, json: jsonFlag },
  Effect.fn(function* ({ id, json }) {
    const batches = yield* Batches
    const batch = yield* batches.find(id)
    const history = (yield* batches.history(id)).map(({ at, detail, state, term }) => ({
      state,
      at: DateTime.formatIso(at),
      term: term.toString(),
      detail
    }))
    yield* Records.printWithHistory(fieldsOf(batch), history, json)
  })
).pipe(Command.withDescription("Show a batch with its history"))

const retry = Command.make(
  "retry",
  {
    id,
    reason: reasonFlag("Why; it is recorded"),
    json: jsonFlag
  },
  Effect.fn(function* ({ id, json, reason }) {
    const { retry } = yield* Batches
    const batch = yield* retry({ id, reason, principal: yield* commandLineUser })
    yield* Records.print(fieldsOf(batch), json)
  })
).pipe(
  Command.withDescription(
    "Continue to settle a batch that was given up. The exchange is asked first, so it is safe"
  )
)

/** `effex batches`: shows and retries the settlement of orders in the database. A running server settles them. */
export const command = Command.make("batches").pipe(
  Command.withDescription("Show the batches in which orders are settled, and retry those that were given up"),
  Command.withSubcommands([list, show, retry]),
  Command.withExamples([
    { command: "effex batches list --dead", description: "Show what waits for an administrator" },
    {
      command:
        'effex batches retry 01a22a6a-4f21-7c02-9a3d-71b6f0c5d9e8 --reason "The exchange answers again"',
      description: "Continue a batch"
    }
  ])
)

const optional = (value: Batch["filled"]) => (value === null ? null : Decimal.format(value))

const fieldsOf = (batch: Batch) => ({
  id: batch.id,
  asset: batch.asset,
  side: batch.side,
  orders: batch.orders,
  amount: Decimal.format(batch.customerAmount),
  total: Decimal.format(batch.total),
  state: batch.state,
  reason: batch.reason,
  filled: optional(batch.filled),
  cost: optional(batch.cost),
  failures: batch.failures,
  last_error: batch.lastError,
  dead_at: batch.deadAt === null ? null : DateTime.formatIso(batch.deadAt),
  created_at: DateTime.formatIso(batch.createdAt)
})

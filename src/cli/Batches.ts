import { Console, DateTime, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Decimal from "../domain/money/Decimal.ts"
import { type Batch, BatchId, BatchState } from "../domain/orders/Batch.ts"
import { Batches } from "../orders/Batches.ts"
import { jsonFlag } from "./arguments/JsonFlag.ts"
import { commandLineUser } from "./CommandLinePrincipal.ts"
import * as Table from "./view/Table.ts"

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 1000

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
    limit: Flag.Int("limit").pipe(
      Flag.withDescription(`Maximum number of batches, at most ${MAX_LIMIT}`),
      Flag.withDefault(DEFAULT_LIMIT),
      Flag.filter(
        (limit) => limit >= 1 && limit <= MAX_LIMIT,
        () => `expected a number from 1 to ${MAX_LIMIT}`
      )
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ dead, json, limit, state }) {
    const { page } = yield* Batches
    const filter = { state: Option.getOrUndefined(state), dead: dead ? true : undefined }
    const found = yield* page(filter, undefined, limit)
    if (json) return yield* Console.log(JSON.stringify(found.map(fieldsOf)))
    yield* Console.log(
      found.length === 0 ? "There are no such batches" : Table.renderRows(found.map(fieldsOf).map(textOf))
    )
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
      detail: detail ?? "-"
    }))
    if (json) return yield* Console.log(JSON.stringify({ ...fieldsOf(batch), history }))
    yield* Console.log(`${Table.render(textOf(fieldsOf(batch)))}\n\n${Table.renderRows(history)}`)
  })
).pipe(Command.withDescription("Show a batch with its history"))

const retry = Command.make(
  "retry",
  {
    id,
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why; it is recorded"),
      Flag.filter(
        (text) => text.trim() !== "" && Array.from(text).length <= 1000,
        () => "expected 1 to 1000 characters"
      )
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ id, json, reason }) {
    const { retry } = yield* Batches
    const batch = yield* retry({ id, reason, principal: yield* commandLineUser })
    yield* Console.log(json ? JSON.stringify(fieldsOf(batch)) : Table.render(textOf(fieldsOf(batch))))
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

const textOf = ({ failures, orders, ...fields }: ReturnType<typeof fieldsOf>) => ({
  ...fields,
  orders: orders.toString(),
  reason: fields.reason ?? "-",
  filled: fields.filled ?? "-",
  cost: fields.cost ?? "-",
  failures: failures.toString(),
  last_error: fields.last_error ?? "-",
  dead_at: fields.dead_at ?? "-"
})

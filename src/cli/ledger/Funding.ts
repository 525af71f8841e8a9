import { DateTime, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  FundingDirection,
  FundingId,
  type FundingRequest,
  FundingState,
  PaymentReference
} from "../../domain/wallets/Funding.ts"
import { FundingDecisions } from "../../wallets/funding/FundingDecisions.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { reasonFlag } from "../arguments/ReasonFlag.ts"
import { commandLineUser } from "../CommandLinePrincipal.ts"
import { readAll } from "../view/AllPages.ts"
import * as Records from "../view/Records.ts"

const id = Argument.String("id").pipe(
  Argument.withDescription("Id of the deposit or withdrawal"),
  Argument.withSchema(FundingId)
)

const list = Command.make(
  "list",
  {
    state: Flag.Literals("state", FundingState.literals).pipe(
      Flag.withDescription("Only requests in this state"),
      Flag.optional
    ),
    direction: Flag.Literals("direction", FundingDirection.literals).pipe(
      Flag.withDescription("Only deposits, or only withdrawals"),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ direction, json, state }) {
    const { page } = yield* FundingDecisions
    const filter = { state: Option.getOrUndefined(state), direction: Option.getOrUndefined(direction) }
    const found = yield* readAll(
      (before: FundingId | undefined, limit) => page(filter, before, limit),
      ({ id }) => id
    )
    yield* Records.printAll(found.map(fieldsOf), json, "There are no such deposits or withdrawals")
  })
).pipe(Command.withDescription("List deposits and withdrawals, newest first"))

const confirm = Command.make(
  "confirm",
  {
    id,
    reference: Flag.String("reference").pipe(
      Flag.withDescription(
        "Reference of the payment that arrived or was made. It completes only one request"
      ),
      Flag.withSchema(PaymentReference)
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ id, json, reference }) {
    const decisions = yield* FundingDecisions
    yield* print(yield* decisions.confirm({ id, reference, principal: yield* commandLineUser }), json)
  })
).pipe(Command.withDescription("Complete a pending deposit or withdrawal with the reference of its payment"))

const refuse = Command.make(
  "refuse",
  {
    id,
    reason: reasonFlag("Why; the user sees it"),
    json: jsonFlag
  },
  Effect.fn(function* ({ id, json, reason }) {
    const decisions = yield* FundingDecisions
    yield* print(yield* decisions.refuse({ id, reason, principal: yield* commandLineUser }), json)
  })
).pipe(Command.withDescription("Fail a pending deposit or withdrawal, and release what it holds"))

/** `effex funding`: decides on deposits and withdrawals in the database. It needs no server. */
export const command = Command.make("funding").pipe(
  Command.withDescription("List deposits and withdrawals, and confirm or refuse them"),
  Command.withSubcommands([list, confirm, refuse]),
  Command.withExamples([
    { command: "effex funding list --state pending", description: "Show what waits for a decision" },
    {
      command: "effex funding confirm 01a22a52-0d3e-7f12-8c4b-2a3b4c5d6e7f --reference BANK-0042",
      description: "Credit a deposit whose payment has arrived"
    }
  ])
)

const print = (request: FundingRequest, json: boolean) => Records.print(fieldsOf(request), json)

const fieldsOf = (request: FundingRequest) => ({
  id: request.id,
  username: request.username,
  direction: request.direction,
  asset: request.asset,
  amount: Decimal.format(request.amount),
  state: request.state,
  provider: request.provider,
  reference: request.reference,
  reason: request.reason,
  note: request.note,
  created_at: DateTime.formatIso(request.requestedAt),
  settled_at: request.settledAt === null ? null : DateTime.formatIso(request.settledAt),
  settled_by: request.settledBy
})

import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { TimeFromText } from "../../api/TimeFromText.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import { LedgerVerifier } from "../../ledger/LedgerVerifier.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as Table from "../view/Table.ts"

/** An account, a transfer or the sum of an asset does not fit. */
export class LedgerVerificationFailed extends Schema.TaggedError<LedgerVerificationFailed>()(
  "LedgerVerificationFailed",
  {
    account: Schema.NullOr(Schema.String),
    transfer: Schema.NullOr(Schema.String),
    reason: Schema.String
  }
) {
  override get message(): string {
    const { account, reason, transfer } = this
    const subject =
      account !== null
        ? ` at the account ${account}`
        : transfer !== null
          ? ` at the transfer ${transfer}`
          : ""
    return `Ledger verification failed${subject}: ${reason}`
  }
}

const verify = Command.make(
  "verify",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const verification = yield* (yield* LedgerVerifier).verify
    if (json) yield* Console.log(JSON.stringify(verification))
    if (!verification.ok) {
      const { account, reason, transfer } = verification
      return yield* new LedgerVerificationFailed({ account, transfer, reason })
    }
    if (!json) yield* Console.log(Table.render({ ...verification }))
  })
).pipe(
  Command.withDescription(
    "Recompute every entry, balance, hold, transfer and total. Exits with 1 and names the first account that does not fit"
  )
)

const trialBalance = Command.make(
  "trial-balance",
  {
    at: Flag.String("at").pipe(
      Flag.withDescription("Balances at this time, such as 2026-11-01T00:00:00Z (default: now)"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ at, json }) {
    const rows = (yield* (yield* Ledger).trialBalance(Option.getOrUndefined(at))).map(
      ({ accounts, balance, ...row }) => ({
        ...row,
        accounts: accounts.toString(),
        balance: Decimal.format(balance)
      })
    )
    if (json) return yield* Console.log(JSON.stringify(rows))
    yield* Console.log(Table.renderRows(rows))
  })
).pipe(
  Command.withDescription("Print the sum of the balances by asset and role; those of an asset add up to zero")
)

/** `effex ledger`: verifies and sums up the ledger. */
export const command = Command.make("ledger").pipe(
  Command.withDescription("Verify the double-entry ledger, and print its trial balance"),
  Command.withSubcommands([verify, trialBalance])
)

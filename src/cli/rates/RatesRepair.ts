import { Console, DateTime, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { RateRepair, type RepairPlan, type StoredRate } from "../../rates/RateRepair.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"

/** `effex rates repair`: removes rates of a wrong clock from the latest rates. Needs no server. */
export const command = Command.make(
  "repair",
  {
    apply: Flag.Boolean("apply").pipe(
      Flag.withDescription("Make the changes, which are otherwise only printed"),
      Flag.withDefault(false)
    ),
    json: jsonFlag
  },
  Effect.fn(function* ({ apply, json }) {
    const repair = yield* RateRepair
    const plan = apply ? yield* repair.repair : yield* repair.plan
    yield* Console.log(json ? JSON.stringify(toFields(plan, apply)) : toText(plan, apply))
  })
).pipe(
  Command.withDescription("Find and withdraw rates from the future, which a wrong clock has recorded"),
  Command.withExamples([
    { command: "effex rates repair", description: "Print what would change" },
    { command: "effex rates repair --apply", description: "Change it" }
  ])
)

const toText = ({ replacements, withdrawn }: RepairPlan, isApplied: boolean) => {
  if (withdrawn === 0 && replacements.length === 0)
    return "No rate is from the future; there is nothing to repair"
  return [
    ...replacements.map(
      ({ from, pair, to }) =>
        `${pair}  ${describe(from)} → ${Option.match(to, { onNone: () => "no rate", onSome: describe })}`
    ),
    isApplied
      ? `${withdrawn} rates from the future are withdrawn; ${replacements.length} latest rates are replaced`
      : `${withdrawn} rates are from the future; ${replacements.length} latest rates would be replaced. Run it again with --apply`
  ].join("\n")
}

const describe = ({ observedAt, rate }: StoredRate) => `${rate} of ${DateTime.formatIso(observedAt)}`

const toFields = ({ replacements, withdrawn }: RepairPlan, isApplied: boolean) => ({
  applied: isApplied,
  withdrawn,
  replacements: replacements.map(({ from, pair, to }) => ({
    pair,
    from: fieldsOf(from),
    to: Option.getOrNull(Option.map(to, fieldsOf))
  }))
})

const fieldsOf = ({ id, observedAt, rate }: StoredRate) => ({
  rate_id: id,
  rate,
  fetched_at: DateTime.formatIso(observedAt)
})

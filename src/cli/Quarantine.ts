import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Decimal from "../domain/money/Decimal.ts"
import {
  DecisionReason,
  type QuarantinedRate,
  quarantineFields,
  QuarantineId,
  QuarantineStatus
} from "../domain/rates/QuarantinedRate.ts"
import { describe } from "../domain/rates/RateAnomaly.ts"
import { Quarantine } from "../rates/guard/Quarantine.ts"
import * as CommandArguments from "./CommandArguments.ts"

const list = Command.make(
  "list",
  {
    status: Flag.Literals("status", QuarantineStatus.literals).pipe(
      Flag.withDescription("Only those that are pending, accepted or rejected"),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("How many at most"),
      Flag.filter(
        (count) => count >= 1 && count <= 1000,
        () => "it must be from 1 to 1000"
      ),
      Flag.withDefault(50)
    ),
    json: CommandArguments.json
  },
  Effect.fn(function* ({ json, limit, status }) {
    const quarantine = yield* Quarantine
    const found = yield* quarantine.page({ status: Option.getOrUndefined(status) }, undefined, limit)
    if (found.length === 0 && !json) return yield* Console.log("Nothing was put aside")
    for (const one of found) yield* Console.log(json ? JSON.stringify(quarantineFields(one)) : inWords(one))
  })
).pipe(Command.withDescription("Print what was put aside, newest first; with --json one object a line"))

const inWords = (found: QuarantinedRate) => {
  const { decision, id, pair, provider, rate, status, anomalies } = found
  const decided = decision === null ? status : `${status} by ${decision.principal ?? decision.by}`
  return [
    `${id}  ${pair.key} ${Decimal.format(rate)} of ${provider}, ${decided}`,
    ...anomalies.map((suspicion) => `  ${suspicion.reason}: ${describe(suspicion, rate)}`)
  ].join("\n")
}

const decision = {
  id: Argument.String("id").pipe(Argument.withDescription("The id of what was put aside")),
  reason: Flag.String("reason").pipe(
    Flag.withDescription("Why, at most 200 characters; kept with the decision"),
    Flag.filter(
      Schema.is(DecisionReason),
      () => "it must have 1 to 200 characters, and no control characters"
    ),
    Flag.optional
  )
}

const parseId = (text: string) =>
  Schema.decodeEffect(QuarantineId)(text).pipe(
    Effect.mapError(() => CommandArguments.refuse(`${text} is not the id of something that was put aside`))
  )

/** Whoever may run commands beside the database. */
const operator = (reason: Option.Option<string>) => ({
  principal: CommandArguments.PRINCIPAL,
  reason: Option.getOrNull(reason)
})

const accept = Command.make(
  "accept",
  decision,
  Effect.fn(function* ({ id, reason }) {
    const quarantine = yield* Quarantine
    const { decision, pair, rate } = yield* quarantine.accept(yield* parseId(id), operator(reason))
    yield* Console.log(`${pair.key} ${Decimal.format(rate)} is the rate ${decision?.rateId} now`)
  })
).pipe(Command.withDescription("Believe it after all; its level is the new normal"))

const reject = Command.make(
  "reject",
  decision,
  Effect.fn(function* ({ id, reason }) {
    const quarantine = yield* Quarantine
    const { pair, rate } = yield* quarantine.reject(yield* parseId(id), operator(reason))
    yield* Console.log(`${pair.key} ${Decimal.format(rate)} is rejected`)
  })
).pipe(Command.withDescription("Do not believe it, nor the same again"))

/** `effex quarantine`: the rates that were not believed. */
export const command = Command.make("quarantine").pipe(
  Command.withDescription("Look at the rates that were not believed, and decide about them"),
  Command.withSubcommands([list, accept, reject])
)

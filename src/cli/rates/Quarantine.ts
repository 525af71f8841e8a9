import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Decimal from "../../domain/money/Decimal.ts"
import {
  DecisionReason,
  type QuarantinedRate,
  quarantineFields,
  QuarantineId,
  QuarantineStatus
} from "../../domain/rates/QuarantinedRate.ts"
import { describe } from "../../domain/rates/RateAnomaly.ts"
import { Quarantine } from "../../rates/guard/Quarantine.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { limitFlag } from "../arguments/LimitFlag.ts"
import { commandError } from "../CommandError.ts"
import { COMMAND_LINE_PRINCIPAL } from "../CommandLinePrincipal.ts"

const list = Command.make(
  "list",
  {
    status: Flag.Literals("status", QuarantineStatus.literals).pipe(
      Flag.withDescription("Only rates with this status"),
      Flag.optional
    ),
    limit: limitFlag("rates"),
    json: jsonFlag
  },
  Effect.fn(function* ({ json, limit, status }) {
    const quarantine = yield* Quarantine
    const found = yield* quarantine.page({ status: Option.getOrUndefined(status) }, undefined, limit)
    if (found.length === 0 && !json) return yield* Console.log("No rates are quarantined")
    for (const rate of found) yield* Console.log(json ? JSON.stringify(quarantineFields(rate)) : toText(rate))
  })
).pipe(Command.withDescription("Print quarantined rates, newest first; with --json one object per line"))

const toText = (found: QuarantinedRate) => {
  const { decision, id, pair, provider, rate, status, anomalies } = found
  const outcome = decision === null ? status : `${status} by ${decision.principal ?? decision.by}`
  return [
    `${id}  ${pair.key} ${Decimal.format(rate)} from ${provider}, ${outcome}`,
    ...anomalies.map((anomaly) => `  ${anomaly.reason}: ${describe(anomaly, rate)}`)
  ].join("\n")
}

const decision = {
  id: Argument.String("id").pipe(Argument.withDescription("The id of the quarantined rate")),
  reason: Flag.String("reason").pipe(
    Flag.withDescription("The reason, at most 200 characters, stored with the decision"),
    Flag.filter(
      Schema.is(DecisionReason),
      () =>
        "it must have 1 to 200 characters, one of them visible, and no control characters or bidirectional overrides"
    ),
    Flag.optional
  )
}

const parseId = (text: string) =>
  Schema.decodeEffect(QuarantineId)(text).pipe(
    Effect.mapError(() => commandError(`${text} is not the id of a quarantined rate`))
  )

const operator = (reason: Option.Option<string>) => ({
  principal: COMMAND_LINE_PRINCIPAL,
  reason: Option.getOrNull(reason)
})

const accept = Command.make(
  "accept",
  decision,
  Effect.fn(function* ({ id, reason }) {
    const quarantine = yield* Quarantine
    const { decision, pair, rate } = yield* quarantine.accept(yield* parseId(id), operator(reason))
    yield* Console.log(`${pair.key} ${Decimal.format(rate)} is stored as rate ${decision?.rateId}`)
  })
).pipe(Command.withDescription("Accept a quarantined rate and its level as the new normal"))

const reject = Command.make(
  "reject",
  decision,
  Effect.fn(function* ({ id, reason }) {
    const quarantine = yield* Quarantine
    const { pair, rate } = yield* quarantine.reject(yield* parseId(id), operator(reason))
    yield* Console.log(`${pair.key} ${Decimal.format(rate)} is rejected`)
  })
).pipe(Command.withDescription("Reject a quarantined rate and its repetitions"))

/** `effex quarantine`: lists quarantined rates, and accepts or rejects them. */
export const command = Command.make("quarantine").pipe(
  Command.withDescription("List, accept or reject quarantined rates"),
  Command.withSubcommands([list, accept, reject])
)

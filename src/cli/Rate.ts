import { Console, DateTime, Duration, Effect } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import * as Decimal from "../domain/Decimal.ts"
import { ageAt } from "../domain/Rate.ts"
import { Rates } from "../rates/Rates.ts"
import * as RateEncoding from "../server/RateEncoding.ts"
import * as Asked from "./Asked.ts"

/** `effex rate USD NGN`: the latest rate of a pair, looked up as the server does. */
export const command = Command.make(
  "rate",
  { ...Asked.currencies, json: Asked.json },
  Effect.fn(function* (input) {
    const { pairs } = yield* Settings
    const rates = yield* Rates
    const pair = yield* Effect.fromResult(pairs.find(input.from, input.to))
    const found = yield* rates.lookup(pair)
    if (input.json) return yield* Console.log(RateEncoding.toText(found))
    const { rate, source, stale } = found
    const age = Duration.format(ageAt(rate, yield* DateTime.now))
    yield* Console.log(
      [
        `1 ${pair.from} = ${Decimal.format(rate.rate)} ${pair.to}`,
        `  observed  ${DateTime.formatIso(rate.observedAt)}, ${age} ago${stale ? " (stale)" : ""}`,
        `  provider  ${rate.provider}`,
        `  found in  ${source}`,
        `  id        ${rate.id}`
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Print the latest rate of a pair"),
  Command.withExamples([{ command: "effex rate USD NGN", description: "How many naira one dollar buys" }])
)

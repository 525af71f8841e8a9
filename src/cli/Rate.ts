import { Console, DateTime, Duration, Effect } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../config/Settings.ts"
import * as Decimal from "../domain/Decimal.ts"
import { ageAt } from "../domain/Rate.ts"
import { Rates } from "../rates/Rates.ts"
import * as Asked from "./Asked.ts"

/** `effex rate USD NGN`: the latest rate of a pair, looked up as the server does. */
export const command = Command.make(
  "rate",
  { ...Asked.currencies, json: Asked.json },
  Effect.fn(function* (input) {
    const { pairs } = yield* Settings
    const rates = yield* Rates
    const pair = yield* Effect.fromResult(pairs.find(input.from, input.to))
    const { rate, source, stale } = yield* rates.lookup(pair)
    const { from, to } = rate.pair
    const value = Decimal.format(rate.rate)
    const fetchedAt = DateTime.formatIso(rate.observedAt)
    if (input.json) {
      const message = {
        from,
        to,
        rate: value,
        rate_id: rate.id,
        provider: rate.provider,
        fetched_at: fetchedAt,
        stale
      }
      return yield* Console.log(JSON.stringify(message))
    }
    const age = Duration.format(ageAt(rate, yield* DateTime.now))
    yield* Console.log(
      [
        `1 ${from} = ${value} ${to}`,
        `  observed  ${fetchedAt}, ${age} ago${stale ? " (stale)" : ""}`,
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

import { Console, DateTime, Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { TimeFromText } from "../api/TimeFromText.ts"
import { Settings } from "../config/Settings.ts"
import * as CurrencyPair from "../domain/money/CurrencyPair.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { NoRateKnown } from "../domain/rates/History.ts"
import { ageAt } from "../domain/rates/Rate.ts"
import { RateHistory } from "../rates/history/RateHistory.ts"
import { Rates } from "../rates/lookup/Rates.ts"
import * as HistoryEncoding from "../server/http/HistoryEncoding.ts"
import * as RateEncoding from "../server/http/RateEncoding.ts"
import * as CommandArguments from "./CommandArguments.ts"

/** `effex rate USD NGN`: the latest rate of a pair, looked up as the server does. */
export const command = Command.make(
  "rate",
  {
    ...CommandArguments.currencies,
    at: Flag.String("at").pipe(
      Flag.withDescription("The rate that was in force then, such as 2026-11-01T00:00:00Z"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    knownAt: Flag.String("known-at").pipe(
      Flag.withDescription("With --at: as it was known then; as it is known now without it"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    json: CommandArguments.json
  },
  Effect.fn(function* (input) {
    if (Option.isSome(input.at)) return yield* showPast(input, input.at.value)
    if (Option.isSome(input.knownAt)) return yield* CommandArguments.refuse("--known-at goes with --at")
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
  Command.withDescription("Print the latest rate of a pair, or the one of a moment in the past"),
  Command.withExamples([
    { command: "effex rate USD NGN", description: "How many naira one dollar buys" },
    {
      command: "effex rate USD NGN --at 2026-11-01T00:00:00Z",
      description: "How many it bought then, as far as is known now"
    }
  ])
)

const showPast = Effect.fnUntraced(function* (
  input: {
    readonly from: string
    readonly to: string
    readonly knownAt: Option.Option<DateTime.Utc>
    readonly json: boolean
  },
  at: DateTime.Utc
) {
  const history = yield* RateHistory
  const pair = yield* Effect.fromResult(CurrencyPair.fromCodes(input.from, input.to))
  const now = yield* DateTime.now
  const knownAt = Option.getOrElse(input.knownAt, () => now)
  if (DateTime.isGreaterThan(DateTime.max(at, knownAt), now))
    return yield* CommandArguments.refuse("--at and --known-at must not be in the future")
  const found = yield* history.asOf(pair, at, knownAt)
  if (Option.isNone(found)) return yield* new NoRateKnown({ pair, at, knownAt })
  if (input.json) {
    return yield* Console.log(HistoryEncoding.toAsOfText(HistoryEncoding.toAsOf(found.value, at, knownAt)))
  }
  const { rate, recordedAt } = found.value
  yield* Console.log(
    [
      `1 ${pair.from} = ${Decimal.format(rate.rate)} ${pair.to}`,
      `  in force  at ${DateTime.formatIso(at)}, as it was known at ${DateTime.formatIso(knownAt)}`,
      `  observed  ${DateTime.formatIso(rate.observedAt)}`,
      `  recorded  ${DateTime.formatIso(recordedAt)}`,
      `  provider  ${rate.provider}`,
      `  id        ${rate.id}`
    ].join("\n")
  )
})

import { Console, DateTime, Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { TimeFromText } from "../../api/TimeFromText.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import { NoRateKnown } from "../../domain/rates/History.ts"
import { ageAt } from "../../domain/rates/Rate.ts"
import { RateHistory } from "../../rates/history/RateHistory.ts"
import { Rates } from "../../rates/lookup/Rates.ts"
import * as HistoryEncoding from "../../server/encoding/HistoryEncoding.ts"
import * as RateEncoding from "../../server/encoding/RateEncoding.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import { commandError } from "../CommandError.ts"
import { type PairCodes, pairArgument, splitPair } from "../arguments/PairArguments.ts"

/** `effex rate USD NGN`: the latest rate of a pair, with the lookup order of the server. */
export const command = Command.make(
  "rate",
  {
    pair: pairArgument,
    at: Flag.String("at").pipe(
      Flag.withDescription("Print the rate in force at this time, such as 2026-11-01T00:00:00Z"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    knownAt: Flag.String("known-at").pipe(
      Flag.withDescription("With --at: ignore rates recorded after this time (default: now)"),
      Flag.withSchema(TimeFromText),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn(function* (input) {
    const codes = yield* splitPair(input.pair)
    if (Option.isSome(input.at)) return yield* printPast(codes, input, input.at.value)
    if (Option.isSome(input.knownAt)) return yield* commandError("--known-at requires --at")
    const { pairs } = yield* AssetCatalog
    const rates = yield* Rates
    const pair = yield* Effect.fromResult(pairs.find(codes.from, codes.to))
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
  Command.withDescription("Print the latest rate of a pair, or the rate at a time in the past"),
  Command.withExamples([
    { command: "effex rate USD NGN", description: "The latest rate of one dollar in naira" },
    {
      command: "effex rate USD NGN --at 2026-11-01T00:00:00Z",
      description: "The rate at that time"
    }
  ])
)

const printPast = Effect.fnUntraced(function* (
  { from, to }: PairCodes,
  input: {
    readonly knownAt: Option.Option<DateTime.Utc>
    readonly json: boolean
  },
  at: DateTime.Utc
) {
  const history = yield* RateHistory
  const pair = yield* Effect.fromResult((yield* AssetCatalog).parsePair(from, to))
  const now = yield* DateTime.now
  const knownAt = Option.getOrElse(input.knownAt, () => now)
  if (DateTime.isGreaterThan(DateTime.max(at, knownAt), now))
    return yield* commandError("--at and --known-at must not be in the future")
  const found = yield* history.asOf(pair, at, knownAt)
  if (Option.isNone(found)) return yield* new NoRateKnown({ pair, at, knownAt })
  if (input.json) {
    return yield* Console.log(
      HistoryEncoding.encodeAsOf(HistoryEncoding.toAsOfMessage(found.value, at, knownAt))
    )
  }
  const { rate, recordedAt } = found.value
  yield* Console.log(
    [
      `1 ${pair.from} = ${Decimal.format(rate.rate)} ${pair.to}`,
      `  in force  at ${DateTime.formatIso(at)}, as known at ${DateTime.formatIso(knownAt)}`,
      `  observed  ${DateTime.formatIso(rate.observedAt)}`,
      `  recorded  ${DateTime.formatIso(recordedAt)}`,
      `  provider  ${rate.provider}`,
      `  id        ${rate.id}`
    ].join("\n")
  )
})

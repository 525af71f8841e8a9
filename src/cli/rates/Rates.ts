import { Console, DateTime, Effect, Layer, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { RateList, RateMessage } from "../../api/rates/RateMessage.ts"
import { EffexClient } from "../../client/EffexClient.ts"
import * as AssetPair from "../../domain/money/AssetPair.ts"
import { pairsArgument, splitPairs } from "../arguments/PairArguments.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as RateBoard from "../view/RateBoard.ts"
import * as RateBoardView from "../view/RateBoardView.ts"
import * as ServerAddress from "../arguments/ServerAddress.ts"

/** No server is reachable at the URL. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  url: Schema.String
}) {
  override get message(): string {
    return `No effex server is reachable at ${this.url}; start one with \`effex serve\` or pass another URL with --url`
  }
}

/** Short, because a user is waiting. */
const CONNECT_TIMEOUT = "3 seconds"

const encodeList = Schema.encodeSync(Schema.fromJsonString(RateList))
const encodeRate = Schema.encodeSync(Schema.fromJsonString(RateMessage))

/** `effex rates`: the rates of a running server, once or live. */
export const command = Command.make(
  "rates",
  {
    pairs: pairsArgument("Pairs to show, such as USD:NGN or USD NGN (default: all)"),
    url: ServerAddress.url,
    watch: Flag.Boolean("watch").pipe(
      Flag.withDescription("Show every change until interrupted"),
      Flag.withDefault(false)
    ),
    json: jsonFlag
  },
  Effect.fn(function* (input) {
    const url = yield* ServerAddress.resolve(input.url)
    const given = yield* splitPairs(input.pairs)
    const pairs =
      given.length === 0 ? undefined : given.map(({ from, to }) => AssetPair.keyOf(from, to).toUpperCase())
    const program = input.watch
      ? Effect.raceFirst(watch(url, pairs, input.json), RateBoardView.stdoutClosed)
      : list(pairs, input.json)
    return yield* program.pipe(
      Effect.scoped,
      Effect.catchTag("Unreachable", () => Effect.fail(new ServerUnreachable({ url }))),
      Effect.provide(Layer.fresh(EffexClient.layer({ url, connectTimeout: CONNECT_TIMEOUT })))
    )
  })
).pipe(
  Command.withDescription("Show the rates of a running server"),
  Command.withExamples([
    { command: "effex rates", description: "All known rates" },
    { command: "effex rates --watch USD:NGN GBP:NGN", description: "Two rates, live" },
    { command: "effex rates --watch --json", description: "Every change as one line of JSON" }
  ])
)

const list = Effect.fnUntraced(function* (pairs: ReadonlyArray<string> | undefined, json: boolean) {
  const client = yield* EffexClient
  const rates =
    pairs === undefined
      ? yield* client.rates()
      : yield* Effect.forEach(pairs, (pair) => client.rate(...codesOf(pair)), {
          concurrency: 10
        })
  if (json) return yield* Console.log(encodeList({ base: null, rates }))
  const layout = { now: yield* DateTime.now, columns: Number.POSITIVE_INFINITY, isColored: false }
  const rows = rates.map((rate) => RateBoard.nextRow(undefined, rate))
  const lines = RateBoard.render(rows, layout)
  yield* Console.log(lines.map((line) => line.trimEnd()).join("\n"))
})

const watch = Effect.fnUntraced(function* (
  url: string,
  pairs: ReadonlyArray<string> | undefined,
  json: boolean
) {
  const client = yield* EffexClient
  yield* client.rates()
  const rates = client.watch(pairs)
  if (json) return yield* Stream.runForEach(rates, (rate) => Console.log(encodeRate(rate)))
  const view = yield* RateBoardView.make("effex rates", url)
  yield* client.watchConnection.pipe(Stream.changes, Stream.runForEach(view.showStatus), Effect.forkScoped)
  yield* Effect.raceFirst(Stream.runForEach(rates, view.showRate), view.left)
})

const codesOf = (pair: string): [from: string, to: string] => {
  const [from = "", to = ""] = pair.split(":")
  return [from, to]
}

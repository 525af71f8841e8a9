import { Console, DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { RateList, RateMessage } from "../api/rates/RateMessage.ts"
import { EffexClient } from "../client/EffexClient.ts"
import * as CurrencyPair from "../domain/money/CurrencyPair.ts"
import * as CommandArguments from "./CommandArguments.ts"
import * as RateBoard from "./view/RateBoard.ts"
import * as RateBoardView from "./view/RateBoardView.ts"
import * as ServerAddress from "./ServerAddress.ts"

/** No server answers at the address. */
export class NoServer extends Schema.TaggedError<NoServer>()("NoServer", { url: Schema.String }) {
  override get message(): string {
    return `No effex answers at ${this.url}: start one with \`effex serve\`, or name another with --url`
  }
}

/** Whoever waits at a prompt is told soon. */
const CONNECT_TIMEOUT = "3 seconds"

const encodeList = Schema.encodeSync(Schema.fromJsonString(RateList))
const encodeRate = Schema.encodeSync(Schema.fromJsonString(RateMessage))

/** `effex rates`: the rates of a running server, once, or live. */
export const command = Command.make(
  "rates",
  {
    pairs: Argument.String("pair").pipe(
      Argument.withDescription("The pairs to show, such as USD:NGN; all without any"),
      Argument.filter(
        (text) => Option.isSome(CurrencyPair.split(text)),
        () => "a pair such as USD:NGN"
      ),
      Argument.variadic()
    ),
    url: ServerAddress.url,
    watch: Flag.Boolean("watch").pipe(
      Flag.withDescription("Show every change, until it is told to stop"),
      Flag.withDefault(false)
    ),
    json: CommandArguments.json
  },
  Effect.fn(function* (input) {
    const url = yield* ServerAddress.resolve(input.url)
    const pairs = input.pairs.length === 0 ? undefined : input.pairs.map((text) => text.toUpperCase())
    const shown = input.watch
      ? Effect.raceFirst(watch(url, pairs, input.json), RateBoardView.readerGone)
      : list(pairs, input.json)
    return yield* shown.pipe(
      Effect.scoped,
      Effect.catchTag("Unreachable", () => Effect.fail(new NoServer({ url }))),
      Effect.provide(Layer.fresh(EffexClient.layer({ url, connectTimeout: CONNECT_TIMEOUT })))
    )
  })
).pipe(
  Command.withDescription("Show the rates of a running server"),
  Command.withExamples([
    { command: "effex rates", description: "Every rate that is known" },
    { command: "effex rates --watch USD:NGN GBP:NGN", description: "Two rates, live" },
    { command: "effex rates --watch --json", description: "Every change as a line of JSON" }
  ])
)

const list = Effect.fnUntraced(function* (pairs: ReadonlyArray<string> | undefined, json: boolean) {
  const client = yield* EffexClient
  const rates =
    pairs === undefined
      ? yield* client.rates()
      : yield* Effect.forEach(pairs, (pair) => client.rate(pair.slice(0, 3), pair.slice(4)), {
          concurrency: 10
        })
  if (json) return yield* Console.log(encodeList({ base: null, rates }))
  const frame = { now: yield* DateTime.now, columns: Number.POSITIVE_INFINITY, isColored: false }
  const rows = rates.map((rate) => RateBoard.follow(undefined, rate))
  const lines = RateBoard.render(rows, frame)
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
  yield* client.watchConnection.pipe(Stream.changes, Stream.runForEach(view.say), Effect.forkScoped)
  yield* Stream.runForEach(rates, view.tell)
})

import { type Duration, Effect, Option, References, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { DEFAULT_POLL_INTERVAL, POLL_INTERVAL_RANGE } from "../../domain/rates/PollerSetting.ts"
import { PollCadence } from "../../platform/PollCadence.ts"
import { RatePoller } from "../../rates/polling/RatePoller.ts"
import { durationFlag } from "../arguments/DurationFlag.ts"
import * as PollBoardView from "../view/PollBoardView.ts"
import * as PollProgressView from "../view/PollProgressView.ts"
import * as RateBoardView from "../view/RateBoardView.ts"

/** At least one pair of a poll failed. */
export class PairsFailed extends Schema.TaggedError<PairsFailed>()("PairsFailed", {
  pairs: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Not refreshed: ${this.pairs.join(", ")}`
  }
}

/** `effex poll`: refreshes every pair in this process, once or at an interval. */
export const command = Command.make(
  "poll",
  {
    once: Flag.Boolean("once").pipe(
      Flag.withDescription("Poll once; the exit code is 1 when a pair failed"),
      Flag.withDefault(false)
    ),
    interval: durationFlag("interval", POLL_INTERVAL_RANGE).pipe(
      Flag.withDescription(
        "Time from the start of one poll to the start of the next, such as 300 (seconds) or `5 minutes` (default: the current schedule)"
      ),
      Flag.optional
    ),
    watch: Flag.Boolean("watch").pipe(
      Flag.withDescription("Show every rate as it changes"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* ({ interval, once, watch }) {
    const { pairs } = yield* AssetCatalog
    const view = watch ? yield* PollBoardView.make : yield* PollProgressView.make(pairs.polled.length)
    const polled = Effect.raceFirst(once ? pollOnce(view) : pollEvery(view, interval), view.left)
    // Log lines would break the board.
    const isBoard = watch && RateBoardView.isTerminal
    return yield* isBoard ? Effect.provideService(polled, References.MinimumLogLevel, "None") : polled
  }, Effect.scoped)
).pipe(
  Command.withDescription("Refresh every pair from the provider"),
  Command.withExamples([
    { command: "effex poll --once", description: "Refresh every pair once, for cron" },
    { command: "effex poll --interval 300", description: "Refresh every pair every five minutes" },
    { command: "effex poll --watch", description: "Refresh every pair, and show the rates" }
  ])
)

type View = Effect.Success<typeof PollBoardView.make>

const pollOnce = Effect.fnUntraced(function* ({ observe, report }: View) {
  const poller = yield* RatePoller
  const run = yield* poller.pollOnce(observe)
  yield* report(run)
  if (run.failures.length > 0)
    return yield* new PairsFailed({ pairs: run.failures.map(({ pair }) => pair.key) })
})

const pollEvery = Effect.fnUntraced(function* (
  { observe, report }: View,
  interval: Option.Option<Duration.Duration>
) {
  const cadence = yield* PollCadence
  const poller = yield* RatePoller
  const every = Option.orElse(interval, cadence.interval)
  return yield* poller.pollEvery(
    Option.getOrElse(every, () => DEFAULT_POLL_INTERVAL),
    observe,
    report
  )
})

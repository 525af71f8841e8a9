import { Console, DateTime, Duration, Effect, Option, Ref, Terminal } from "effect"
import type { PollRun } from "../domain/PollRun.ts"
import type { PollProgress } from "../rates/RatePoller.ts"
import { isTerminal } from "./RateBoardView.ts"

const BAR_WIDTH = 30

/** What came of a poll, such as `43 of 44 pairs refreshed in 21s`. */
export const refreshedText = ({ failures, finishedAt, pairs, startedAt }: PollRun): string =>
  `${pairs - failures.length} of ${pairs} pairs refreshed in ${Duration.format(DateTime.distance(startedAt, finishedAt))}`

/** Shows a poll: as a bar that grows on a terminal, as plain lines elsewhere. */
export const make = Effect.fnUntraced(function* (total: number) {
  const terminal = yield* Terminal.Terminal
  const done = yield* Ref.make(0)

  const drawBar = Effect.fnUntraced(function* (count: number, label: string) {
    const filled = Math.round((count / total) * BAR_WIDTH)
    const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled)
    yield* Effect.ignore(terminal.display(`\r\u001b[K${bar} ${count}/${total} ${label}`))
  })

  const observe = Effect.fnUntraced(function* ({ failure, pair }: PollProgress) {
    const count = yield* Ref.updateAndGet(done, (before) => before + 1)
    const label = Option.match(failure, {
      onNone: () => `${pair.key} refreshed`,
      onSome: () => `${pair.key} failed`
    })
    yield* isTerminal ? drawBar(count, label) : Console.log(`${count}/${total} ${label}`)
  })

  const report = Effect.fnUntraced(function* (run: PollRun) {
    yield* Ref.set(done, 0)
    if (isTerminal) yield* Effect.ignore(terminal.display("\r\u001b[K"))
    yield* Console.log(refreshedText(run))
    for (const { detail, pair } of run.failures) yield* Console.log(`  ${pair.key} failed: ${detail}`)
  })

  return { observe, report }
})

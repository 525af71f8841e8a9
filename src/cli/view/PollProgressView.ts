import { Console, DateTime, Duration, Effect, Option, Ref } from "effect"
import type { PollRun } from "../../domain/rates/PollRun.ts"
import type { PollProgress } from "../../rates/polling/PollRunner.ts"
import * as ProgressBar from "./ProgressBar.ts"
import { isTerminal } from "./RateBoardView.ts"

/** Formats the result of a poll, such as `43 of 44 pairs refreshed in 21s`. */
export const refreshedText = ({ failures, finishedAt, pairs, startedAt }: PollRun): string =>
  `${pairs - failures.length} of ${pairs} pairs refreshed in ${Duration.format(DateTime.distance(startedAt, finishedAt))}`

/** Shows the progress of a poll: a bar on a terminal, otherwise one line per pair. */
export const make = Effect.fnUntraced(function* (total: number) {
  const bar = yield* ProgressBar.make
  const done = yield* Ref.make(0)

  const observe = Effect.fnUntraced(function* ({ failure, pair }: PollProgress) {
    const count = yield* Ref.updateAndGet(done, (count) => count + 1)
    const label = Option.match(failure, {
      onNone: () => `${pair.key} refreshed`,
      onSome: () => `${pair.key} failed`
    })
    yield* isTerminal
      ? bar.draw(count / total, `${count}/${total} ${label}`)
      : Console.log(`${count}/${total} ${label}`)
  })

  const report = Effect.fnUntraced(function* (run: PollRun) {
    yield* Ref.set(done, 0)
    if (isTerminal) yield* bar.clear
    yield* Console.log(refreshedText(run))
    for (const { detail, pair } of run.failures) yield* Console.log(`  ${pair.key} failed: ${detail}`)
  })

  return { observe, report, left: Effect.never }
})

import { Console, Effect, Ref } from "effect"
import type { ImportProgress, ImportSummary } from "../../rates/import/RateImport.ts"
import * as ProgressBar from "./ProgressBar.ts"
import { isTerminal } from "./RateBoardView.ts"

/** Shows the progress of an import: a bar on a terminal, otherwise one line per 10 %. */
export const make = Effect.gen(function* () {
  const bar = yield* ProgressBar.make
  const printed = yield* Ref.make("")

  const observe = Effect.fnUntraced(function* ({ done, phase, total }: ImportProgress) {
    // The size of a pipe is unknown.
    if (total === 0) return
    const part = Math.min(1, done / total)
    if (isTerminal) return yield* bar.draw(part, `${phase} ${Math.floor(part * 100)} %`)
    const text = `${phase} ${Math.floor(part * 10) * 10} %`
    if ((yield* Ref.getAndSet(printed, text)) !== text) yield* Console.log(text)
  })

  return { observe, clear: isTerminal ? bar.clear : Effect.void }
})

/** Formats a summary such as `12 000 lines: 11 950 stored (3 corrections), 47 already stored, 3 invalid`. */
export const summaryText = (
  unit: "line" | "rate",
  { corrections, invalid, outliers, skipped, stored, total }: ImportSummary,
  done: { readonly isRejected: boolean; readonly dryRun: boolean; readonly acceptOutliers: boolean }
): string => {
  const totalText = counted(total, unit)
  const outlierText = `${counted(outliers, "outlier")} ${done.acceptOutliers ? "accepted" : "refused"}`
  const problems = [
    ...(invalid === 0 ? [] : [`${grouped(invalid)} invalid`]),
    ...(outliers === 0 ? [] : [outlierText])
  ]
  if (done.isRejected) return `${totalText}: ${["nothing stored", ...problems].join(", ")}`
  const correctionsText = corrections === 0 ? "" : ` (${counted(corrections, "correction")})`
  const storedText = `${grouped(stored)} ${done.dryRun ? "would be stored" : "stored"}${correctionsText}`
  return `${totalText}: ${[storedText, `${grouped(skipped)} already stored`, ...problems].join(", ")}`
}

/** Formats a count and its noun: `1 line`, `12 000 lines`. */
export const counted = (count: number, noun: string): string =>
  `${grouped(count)} ${count === 1 ? noun : `${noun}s`}`

/** Formats a count with its digits in groups of three. */
export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, " ")

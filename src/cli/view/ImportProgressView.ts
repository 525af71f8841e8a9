import { Console, Effect, Ref } from "effect"
import type { ImportProgress, ImportSummary } from "../../rates/import/RateImport.ts"
import * as ProgressBar from "./ProgressBar.ts"
import { isTerminal } from "./RateBoardView.ts"

/** Shows how far an import is: as a bar that grows on a terminal, as a line for every tenth elsewhere. */
export const make = Effect.gen(function* () {
  const bar = yield* ProgressBar.make
  const told = yield* Ref.make("")

  const observe = Effect.fnUntraced(function* ({ done, phase, total }: ImportProgress) {
    // A pipe does not say how long it is.
    if (total === 0) return
    const part = Math.min(1, done / total)
    if (isTerminal) return yield* bar.draw(part, `${phase} ${Math.floor(part * 100)} %`)
    const text = `${phase} ${Math.floor(part * 10) * 10} %`
    if ((yield* Ref.getAndSet(told, text)) !== text) yield* Console.log(text)
  })

  return { observe, clear: isTerminal ? bar.clear : Effect.void }
})

/** Such as `12 000 lines: 11 950 stored (3 corrections), 47 already there, 3 bad`. */
export const summaryText = (
  unit: "line" | "rate",
  { bad, corrections, given, known, stored }: ImportSummary,
  done: { readonly isRefused: boolean; readonly dryRun: boolean }
): string => {
  const badText = bad === 0 ? "" : `, ${grouped(bad)} bad`
  const givenText = `${grouped(given)} ${given === 1 ? unit : `${unit}s`}`
  if (done.isRefused) return `${givenText}: nothing stored${badText}`
  const correctionsText =
    corrections === 0 ? "" : ` (${grouped(corrections)} ${corrections === 1 ? "correction" : "corrections"})`
  const storedText = `${grouped(stored)} ${done.dryRun ? "would be stored" : "stored"}${correctionsText}`
  return `${givenText}: ${storedText}, ${grouped(known)} already there${badText}`
}

/** Digits in groups of three. */
export const grouped = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, " ")

import { InsufficientFunds, LimitExceeded } from "../../../src/client/promise/EffexError.ts"
import type { Problem } from "../forms/Problem.ts"
import * as Format from "../money/Format.ts"
import { texts } from "../texts/wallet.ts"
import { money } from "./Money.ts"

/** Says what a refused movement means, with the numbers that the server sent. `code` is the asset that was to be moved. */
export const withNumbers = (problem: Problem | undefined, code: string): Problem | undefined => {
  if (problem === undefined) return undefined
  const { error } = problem
  if (error instanceof InsufficientFunds)
    return { ...problem, text: texts.problems.insufficient(money(error.available, code)) }
  if (error instanceof LimitExceeded) {
    const { remaining, resetsAt, unit } = error
    if (remaining === undefined || resetsAt === undefined) return { ...problem, text: texts.problems.refused }
    const left = `${Format.group(remaining)} ${unit ?? ""}`.trim()
    return { ...problem, text: texts.problems.limited(left, Format.dateAndTime(resetsAt)) }
  }
  return problem
}

import { Effect, Terminal } from "effect"

const BAR_WIDTH = 30
const CLEAR_LINE = "\r\u001b[K"

/** Draws a progress bar in place on one line of a terminal. */
export const make = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal

  return {
    /** Draws the bar for a fraction from 0 to 1, followed by a label. */
    draw: (fraction: number, label: string) => {
      const filled = Math.min(BAR_WIDTH, Math.round(fraction * BAR_WIDTH))
      const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled)
      return Effect.ignore(terminal.display(`${CLEAR_LINE}${bar} ${label}`))
    },
    clear: Effect.ignore(terminal.display(CLEAR_LINE))
  }
})

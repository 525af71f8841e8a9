import { Effect, Terminal } from "effect"

const WIDTH = 30
const CLEAR_LINE = "\r\u001b[K"

/** A bar on one line of a terminal, that grows in place. */
export const make = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal

  return {
    /** Draws the bar, of a part of the whole from 0 to 1, with a label behind it. */
    draw: (part: number, label: string) => {
      const filled = Math.min(WIDTH, Math.round(part * WIDTH))
      const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled)
      return Effect.ignore(terminal.display(`${CLEAR_LINE}${bar} ${label}`))
    },
    clear: Effect.ignore(terminal.display(CLEAR_LINE))
  }
})

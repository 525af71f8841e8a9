import { Console, Context, Effect, Layer, Terminal } from "effect"

const BAR_WIDTH = 30
const CLEAR_LINE = "\r\u001b[K"

/** The text of the bar that is shown on the last line of the terminal; empty if none is shown. */
export class ShownBar extends Context.Reference<{ text: string }>("effex/cli/view/ShownBar", {
  defaultValue: () => ({ text: "" })
}) {}

/** Draws a progress bar in place on one line of a terminal. */
export const make = Effect.gen(function* () {
  const terminal = yield* Terminal.Terminal
  const shown = yield* ShownBar
  const show = (text: string) =>
    Effect.suspend(() => {
      shown.text = text
      return Effect.ignore(terminal.display(CLEAR_LINE + text))
    })

  return {
    /** Draws the bar for a fraction from 0 to 1, followed by a label. */
    draw: (fraction: number, label: string) => {
      const filled = Math.min(BAR_WIDTH, Math.round(fraction * BAR_WIDTH))
      return show(`${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${label}`)
    },
    clear: show("")
  }
})

const PRINTING = ["log", "info", "warn", "error", "debug", "trace"] as const

/** Wraps a console: prints above the bar, which is drawn again below. Logs and output share the terminal with it. */
export const printAbove = (
  base: Console.Console,
  shown: { readonly text: string },
  write: (text: string) => void
): Console.Console => {
  const wrapped: Console.Console = Object.create(base)
  for (const name of PRINTING) {
    wrapped[name] = (...args: ReadonlyArray<unknown>) => {
      if (shown.text === "") return base[name](...args)
      write(CLEAR_LINE)
      base[name](...args)
      write(shown.text)
    }
  }
  return wrapped
}

/** Keeps output and log lines apart from a progress bar. */
export const layerConsole = Layer.effect(
  Console.Console,
  Effect.gen(function* () {
    const base = yield* Console.Console
    const shown = yield* ShownBar
    return printAbove(base, shown, (text) => process.stdout.write(text))
  })
)

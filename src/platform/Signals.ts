import { constants } from "node:os"

const SIGNALS = ["SIGINT", "SIGTERM"] as const

/** npm forwards signals that the terminal has already sent to its child: both together count as one. */
const DUPLICATE_WINDOW_MILLIS = 500

/**
 * Exits at once on the second signal, with the conventional exit code `128 + signal number`. The first signal starts the
 * graceful shutdown, which is handled elsewhere.
 */
export const exitOnSecondSignal = (): void => {
  let firstAt: number | undefined
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const now = performance.now()
      firstAt ??= now
      if (now - firstAt > DUPLICATE_WINDOW_MILLIS) process.exit(128 + constants.signals[signal])
    })
  }
}

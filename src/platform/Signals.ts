import { constants } from "node:os"

const SIGNALS = ["SIGINT", "SIGTERM"] as const

/** npm passes on to its child what a terminal has sent to both of them: that is one request, not two. */
const REPEATED_WITHIN_MILLIS = 500

/**
 * Ends the process at once when it is told to stop a second time, with the exit code of a process that the signal ended.
 * The first time is for others to obey.
 */
export const exitOnSecond = (): void => {
  let first: number | undefined
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const now = performance.now()
      first ??= now
      if (now - first > REPEATED_WITHIN_MILLIS) process.exit(128 + constants.signals[signal])
    })
  }
}

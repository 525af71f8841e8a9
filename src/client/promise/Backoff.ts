const INITIAL_DELAY_MILLIS = 250
const MAX_DELAY_MILLIS = 10_000

/** Returns the delay after a number of failures: exponential, with jitter that spreads the retries of many clients. */
export const delayMillis = (failures: number, random: () => number = Math.random): number => {
  const max = Math.min(MAX_DELAY_MILLIS, INITIAL_DELAY_MILLIS * 2 ** Math.min(failures, 16))
  return max / 2 + (random() * max) / 2
}

/** Waits, or rejects with the reason of the signal as soon as it aborts. */
export const sleep = (millis: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort)
      resolve()
    }, millis)
    if (signal.aborted) onAbort()
    else signal.addEventListener("abort", onAbort, { once: true })
  })

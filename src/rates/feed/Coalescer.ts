/** A run that takes less than this is not followed by a pause. */
const MIN_PAUSED_RUN_MILLIS = 3
const MAX_PAUSE_MILLIS = 250

export interface Coalescer {
  /** Runs the work soon. Calls before that run are coalesced into it. */
  readonly schedule: () => void
}

/**
 * Runs work immediately when idle, and coalesces calls under load. A run of 3 ms or more, including the fibers that it
 * wakes, is followed by a pause of the same length, up to 250 ms, so that the work leaves half of the CPU time to others.
 */
export const make = (work: () => void): Coalescer => {
  let isScheduled = false
  let isRunning = false
  let pausedUntil = 0

  const start = () => {
    const pause = pausedUntil - performance.now()
    if (pause > 0) setTimeout(run, pause)
    else setImmediate(run)
  }

  const run = () => {
    isScheduled = false
    isRunning = true
    const startedAt = performance.now()
    try {
      work()
    } finally {
      // Fibers that the work woke run before this callback.
      setImmediate(() => {
        const finishedAt = performance.now()
        const elapsed = finishedAt - startedAt
        pausedUntil =
          elapsed < MIN_PAUSED_RUN_MILLIS ? finishedAt : finishedAt + Math.min(elapsed, MAX_PAUSE_MILLIS)
        isRunning = false
        if (isScheduled) start()
      })
    }
  }

  return {
    schedule: () => {
      if (isScheduled) return
      isScheduled = true
      if (!isRunning) start()
    }
  }
}

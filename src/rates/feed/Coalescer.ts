/** What takes less needs no rest. */
const SHORT_MILLIS = 3
/** How long something rests at most, however long it took. */
const MAX_REST_MILLIS = 250

/** Work that is done for many at once. */
export interface Coalescer {
  /** The work is done soon: once, however often it is asked for until then. */
  readonly soon: () => void
}

/**
 * Does a work at once where it is seldom asked for. Where it takes long, since many are told, it rests for as long as it
 * took, with all that it has woken: what is asked for in the meantime is done together, so that it takes half of the time
 * at most, however often something changes.
 */
export const make = (work: () => void): Coalescer => {
  let isAsked = false
  let isUnderWay = false
  let restsUntil = 0

  const begin = () => {
    const rest = restsUntil - performance.now()
    if (rest > 0) setTimeout(run, rest)
    else setImmediate(run)
  }

  const run = () => {
    isAsked = false
    isUnderWay = true
    const begun = performance.now()
    try {
      work()
    } finally {
      // Fibers that were woken run before this.
      setImmediate(() => {
        const ended = performance.now()
        const took = ended - begun
        restsUntil = took < SHORT_MILLIS ? ended : ended + Math.min(took, MAX_REST_MILLIS)
        isUnderWay = false
        if (isAsked) begin()
      })
    }
  }

  return {
    soon: () => {
      if (isAsked) return
      isAsked = true
      if (!isUnderWay) begin()
    }
  }
}

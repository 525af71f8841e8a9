/** Time in which equal reports are sent once, in milliseconds. */
const REPEAT_INTERVAL = 60_000
const MAX_FINGERPRINTS = 1000

/** Recognizes equal reports, so that an error in a loop is one report per minute. */
export const make = () => {
  const seen = new Map<string, { readonly reportedAt: number; dropped: number }>()
  return {
    /** Returns undefined for a report to drop, else the number of equal ones that were dropped since the last one. */
    note: (fingerprint: string, time: number): number | undefined => {
      const known = seen.get(fingerprint)
      if (known !== undefined && Math.abs(time - known.reportedAt) < REPEAT_INTERVAL) {
        known.dropped++
        return undefined
      }
      seen.delete(fingerprint)
      seen.set(fingerprint, { reportedAt: time, dropped: 0 })
      const [oldest] = seen.keys()
      if (seen.size > MAX_FINGERPRINTS && oldest !== undefined) seen.delete(oldest)
      return known?.dropped ?? 0
    }
  }
}

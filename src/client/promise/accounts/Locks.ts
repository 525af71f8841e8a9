/** A tab that holds the lock for longer is assumed to be frozen. The server tolerates two renewals at a time. */
const MAX_WAIT_MILLIS = 10_000

/**
 * Runs an action while no other tab or worker runs one with the same name. Runs it at once where the runtime has no Web
 * Locks, or without a name.
 */
export const exclusive = async <A>(name: string | undefined, action: () => Promise<A>): Promise<A> => {
  const locks = globalThis.navigator?.locks
  if (name === undefined || locks === undefined) return action()
  let running: Promise<A> | undefined
  const start = () => (running ??= action())
  const waiting = new AbortController()
  const timer = setTimeout(() => waiting.abort(), MAX_WAIT_MILLIS)
  try {
    return await locks.request(name, { signal: waiting.signal }, () => {
      clearTimeout(timer)
      return start()
    })
  } catch (error) {
    if (running === undefined && waiting.signal.aborted) return await start()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

import type { IncomingMessage } from "node:http"

/** Calls `dispatch` for a request, at once or after the requests before it. */
export type TurnQueue = (request: Pick<IncomingMessage, "socket">, dispatch: () => void) => void

/**
 * Starts requests one per turn of the event loop, in the order of arrival. Otherwise all requests that arrive at the same time
 * would start before anything else: 100 sign-ins take 50 ms until each waits for the database, and so would a lookup.
 */
export const make = (): TurnQueue => {
  const waiting: Array<() => void> = []
  let isTurnTaken = false

  const startNext = () => {
    const start = waiting.shift()
    if (start === undefined) {
      isTurnTaken = false
      return
    }
    setImmediate(startNext)
    start()
  }

  return ({ socket }, dispatch) => {
    if (isTurnTaken) {
      waiting.push(() => {
        // The client has disconnected, or an earlier response closes the connection.
        if (socket.writable) dispatch()
      })
      return
    }
    isTurnTaken = true
    setImmediate(startNext)
    dispatch()
  }
}

import type { IncomingMessage, ServerResponse } from "node:http"
import * as Routes from "../Routes.ts"

type Dispatch = () => void

/**
 * Starts requests for pages, unknown paths and health checks one per event-loop turn, and takes the addresses in turn. Such
 * a request takes up to a millisecond, mostly to copy a page into the buffers of the socket. Others are handled in between,
 * even if hundreds of connections request a page at the same time.
 *
 * Measured with 700 connections that request a page twice, on a busy machine: the p99 of other clients' conversions was 29 and
 * 145 ms, instead of 778 and 801 ms when all of them started at once.
 */
export const make = () => {
  const waiting = new Map<string | undefined, Array<Dispatch>>()
  let isTurnTaken = false

  const takeTurn = (dispatch: Dispatch) => {
    isTurnTaken = true
    setImmediate(startNext)
    dispatch()
  }

  const startNext = () => {
    isTurnTaken = false
    const [next] = waiting
    if (next === undefined) return
    const [address, queue] = next
    waiting.delete(address)
    const dispatch = queue.shift()
    if (queue.length > 0) waiting.set(address, queue)
    if (dispatch !== undefined) takeTurn(dispatch)
  }

  /** Calls `dispatch` for a request, immediately or after the pages that were requested before. */
  return (
    { method = "", socket, url = "" }: IncomingMessage,
    _response: ServerResponse,
    dispatch: Dispatch
  ) => {
    if (Routes.isCounted(method, url)) return dispatch()
    if (!isTurnTaken) return takeTurn(dispatch)
    const { remoteAddress } = socket
    const queue = waiting.get(remoteAddress) ?? []
    waiting.set(remoteAddress, queue)
    queue.push(() => {
      // Nothing can be sent after a response that closes the connection.
      if (socket.writable) dispatch()
    })
  }
}

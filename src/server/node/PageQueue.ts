import { constFalse } from "effect/Function"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as Routes from "../Routes.ts"

/** Milliseconds that a page waits for responses of the API. It is then started in any case. */
const MAX_WAIT_MILLIS = 20
/** Share of the event loop's time that pages of one address may take, beyond a burst. */
const MAX_SHARE = 0.1
/** Milliseconds of work that an address may demand at once: a browser that loads a page with all its files takes less. */
const MAX_BURST_MILLIS = 20
/** Milliseconds that a page counts at most: one that takes longer has waited for the CPU. */
const MAX_COUNTED_MILLIS = 2
const CLEANUP_INTERVAL_MILLIS = 1000

type Dispatch = () => void

/** Pages of one address. */
interface Lane {
  readonly waiting: Array<Dispatch>
  /** Has the requests of many clients, and no share of its own. */
  readonly isShared: boolean
  /** Time at which the work so far is within {@link MAX_SHARE}. */
  paidAt: number
}

/**
 * Starts requests for pages, unknown paths and health checks one per event-loop turn, after responses of the API (while
 * `isAnswering` returns true), and takes the addresses in turn. Such a request takes about 0.3 ms, and an address can send
 * thousands at the same time, so an address waits when its pages have taken more than {@link MAX_SHARE} of the time.
 * `isShared` returns true for an address of many clients, such as a proxy.
 */
export const make = (
  isAnswering: () => boolean,
  isShared: (address: string | undefined) => boolean = constFalse
) => {
  const lanes = new Map<string, Lane>()
  /** Lanes whose next page may start, in turn. */
  const ready = new Set<Lane>()
  let isTurnTaken = false
  let cleanup: NodeJS.Timeout | undefined

  const laneOf = (remoteAddress: string | undefined) => {
    const address = ClientAddress.fromText(remoteAddress)
    const known = lanes.get(address)
    if (known !== undefined) return known
    const lane: Lane = { waiting: [], isShared: isShared(remoteAddress), paidAt: 0 }
    lanes.set(address, lane)
    cleanup ??= setInterval(removeIdle, CLEANUP_INTERVAL_MILLIS).unref()
    return lane
  }

  const removeIdle = () => {
    const now = performance.now()
    for (const [address, { paidAt, waiting }] of lanes)
      if (waiting.length === 0 && paidAt <= now) lanes.delete(address)
    if (lanes.size > 0) return
    clearInterval(cleanup)
    cleanup = undefined
  }

  const waitOf = ({ paidAt }: Lane) => paidAt - performance.now() - MAX_BURST_MILLIS / MAX_SHARE

  const start = (lane: Lane, dispatch: Dispatch) => {
    const startedAt = performance.now()
    dispatch()
    if (lane.isShared) return
    const counted = Math.min(performance.now() - startedAt, MAX_COUNTED_MILLIS)
    lane.paidAt = Math.max(lane.paidAt, startedAt) + counted / MAX_SHARE
  }

  const takeTurn = (work: Dispatch) => {
    isTurnTaken = true
    setImmediate(startNext, 0)
    work()
  }

  /** Lets the next page of a lane start, now or when the lane is within its share. */
  const schedule = (lane: Lane) => {
    const wait = waitOf(lane)
    if (wait > 0) {
      setTimeout(schedule, wait, lane)
      return
    }
    ready.add(lane)
    if (isTurnTaken) return
    isTurnTaken = true
    setImmediate(startNext, 0)
  }

  const startNext = (waitedMillis: number) => {
    const [lane] = ready
    if (lane === undefined) {
      isTurnTaken = false
      return
    }
    if (waitedMillis < MAX_WAIT_MILLIS && isAnswering()) {
      setTimeout(startNext, 1, waitedMillis + 1)
      return
    }
    ready.delete(lane)
    takeTurn(() => {
      lane.waiting.shift()?.()
      if (lane.waiting.length > 0) schedule(lane)
    })
  }

  /** Calls `dispatch` for a request, immediately or after the pages that were requested before. */
  return (
    { method = "", socket, url = "" }: IncomingMessage,
    _response: ServerResponse,
    dispatch: Dispatch
  ) => {
    if (Routes.isCounted(method, url)) return dispatch()
    const lane = laneOf(socket.remoteAddress)
    if (!isTurnTaken && lane.waiting.length === 0 && waitOf(lane) <= 0)
      return takeTurn(() => start(lane, dispatch))
    lane.waiting.push(() => {
      // Nothing can be sent after a response that closes the connection.
      if (socket.writable) start(lane, dispatch)
    })
    if (lane.waiting.length === 1) schedule(lane)
  }
}

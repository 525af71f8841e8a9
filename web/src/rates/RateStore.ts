import { shallowReactive, shallowRef, type ShallowRef } from "vue"
import { connectRates } from "../../../src/client/promise/ConnectRates.ts"
import * as Json from "../../../src/client/promise/Json.ts"
import type { RateStream } from "../../../src/client/promise/streams/RateStream.ts"
import type { Asset, Board, BoardPair, Rate, RateEvent } from "../../../src/client/promise/Values.ts"
import * as Decimal from "../money/Decimal.ts"

/** The latest rate of a pair, with the direction of its last change if that is shown. */
export interface LivePair extends BoardPair {
  readonly direction: "up" | "down" | undefined
}

/** State of the connection: `offline` if the browser has no network. */
export type Connection = "connecting" | "live" | "reconnecting" | "offline"

interface Inlined {
  readonly at: Date
  readonly sandbox: boolean
  readonly sandboxFunding: boolean
  readonly bases: ReadonlyArray<string>
  readonly destinations: ReadonlyArray<string>
  readonly assets: ReadonlyArray<Asset>
  readonly pairs: ReadonlyArray<BoardPair>
}

const NOTHING: Inlined = {
  at: new Date(0),
  sandbox: false,
  sandboxFunding: false,
  bases: [],
  destinations: [],
  assets: [],
  pairs: []
}

const CHANGE_SCALE = 6

const isBrowser = typeof document !== "undefined"

/** Client of the server that sent this page. The renderer on the server has no page, and sends nothing. */
export const client = connectRates(isBrowser ? location.origin : "http://localhost")

/** Currencies to convert from. */
export let bases: ReadonlyArray<string> = []
/** Currencies of the rows of the board. A rate of another one that arrives later adds no row, so no row moves. */
export let destinations: ReadonlyArray<string> = []
export let isSandbox = false
/** Deposits and withdrawals are decided by the built-in sandbox: no payment is made. */
export let isSandboxFunding = false

let assetsByCode: ReadonlyMap<string, Asset> = new Map()

/** Returns the listed assets of a kind. */
export const assetsOf = (kind: Asset["kind"]): ReadonlyArray<Asset> =>
  Array.from(assetsByCode.values()).filter((asset) => asset.kind === kind)

export const nameOf = (code: string): string => assetsByCode.get(code)?.name ?? code

/** Returns an asset. One that the page does not list is a currency with two decimals. */
export const assetOf = (code: string): Pick<Asset, "code" | "decimals" | "kind" | "name"> =>
  assetsByCode.get(code) ?? { code, decimals: 2, kind: "currency", name: code }

const pairs = shallowReactive(new Map<string, ShallowRef<LivePair>>())

export const keyOf = ({ from, to }: Pick<Rate, "from" | "to">): string => `${from}:${to}`

/** Returns the latest rate of a pair. A change redraws only what shows this pair. */
export const pairOf = (from: string, to: string): LivePair | undefined => pairs.get(`${from}:${to}`)?.value

/** Returns true as soon as the rate of any pair is known. */
export const hasRates = (): boolean => pairs.size > 0

export const connection = shallowRef<Connection>("connecting")
/** When the page last received something from the server. */
export const lastContact = shallowRef(NOTHING.at)

const put = (pair: LivePair) => {
  const known = pairs.get(keyOf(pair))
  if (known === undefined) pairs.set(keyOf(pair), shallowRef(pair))
  else known.value = pair
}

/** Replaces everything by the data of a page, as its JSON has it. */
export const load = (json: string): void => {
  const parsed = Json.parse(json)
  const inlined = parsed === undefined ? NOTHING : Json.decode<Inlined>(parsed)
  bases = inlined.bases
  destinations = inlined.destinations
  isSandbox = inlined.sandbox
  isSandboxFunding = inlined.sandboxFunding
  assetsByCode = new Map(inlined.assets.map((asset) => [asset.code, asset]))
  lastContact.value = inlined.at
  pairs.clear()
  for (const pair of inlined.pairs) put({ ...pair, direction: undefined })
}

if (isBrowser) load(document.querySelector("#rates")?.textContent ?? "")

const changeSince = (first: string | null | undefined, latest: string) => {
  if (first === null || first === undefined) return null
  const [before, now] = [Decimal.of(first), Decimal.of(latest)]
  return Decimal.toText(Decimal.divide(Decimal.subtract(now, before), before, CHANGE_SCALE, "half"))
}

const MISSING = { change24h: null, series: [], margin: "0", polled: false }

const apply = (rate: Rate, hasDirection = true) => {
  const { direction, ...known } = pairs.get(keyOf(rate))?.value ?? { direction: undefined, ...MISSING }
  if ("rateId" in known && known.rateId === rate.rateId && known.stale === rate.stale) return
  const order = "rate" in known ? Decimal.compare(Decimal.of(rate.rate), Decimal.of(known.rate)) : 0
  const { change24h, margin, polled } = known
  // The last point is the latest rate. The first one stays, which is that of 24 hours ago.
  const series = [...known.series.slice(0, Math.max(known.series.length - 1, 1)), rate.rate]
  put({
    ...rate,
    margin,
    polled,
    series,
    change24h: change24h === null ? null : (changeSince(known.series[0], rate.rate) ?? change24h),
    direction: !hasDirection ? undefined : order > 0 ? "up" : order < 0 ? "down" : direction
  })
}

/** Takes over the latest rate of a pair. */
export const mergeRate = (rate: Rate): void => apply(rate)

/** Takes over the series of a board, its changes and margins, and rates that are newer. */
export const mergeBoard = (board: Board): void => {
  for (const pair of board.pairs) {
    const known = pairs.get(keyOf(pair))?.value
    const isNewer = known === undefined || pair.fetchedAt >= known.fetchedAt
    put(isNewer ? { ...pair, direction: undefined } : { ...pair, ...rateFieldsOf(known) })
  }
}

const rateFieldsOf = ({ direction, fetchedAt, provider, rate, rateId, stale }: LivePair) => ({
  direction,
  fetchedAt,
  provider,
  rate,
  rateId,
  stale
})

/** Changes are drawn at most this often, and the first one after a pause with the next frame. */
const DRAW_INTERVAL_MILLIS = 200
/** Directions are not shown if more pairs change within a second: a page that blinks everywhere says nothing. */
const MAX_DIRECTIONS = 12
const DIRECTION_MILLIS = 1000

/** The newest rate of each pair since the last drawing. A hidden tab draws no frames and keeps only these. */
const pending = new Map<string, Rate>()
let isScheduled = false
let drawnAt = -DIRECTION_MILLIS

const draw = () => {
  const now = performance.now()
  const hasDirections = pending.size <= MAX_DIRECTIONS || now - drawnAt >= DIRECTION_MILLIS
  isScheduled = false
  drawnAt = now
  for (const rate of pending.values()) apply(rate, hasDirections)
  pending.clear()
}

const offer = (rate: Rate) => {
  pending.set(keyOf(rate), rate)
  if (isScheduled) return
  isScheduled = true
  const wait = drawnAt + DRAW_INTERVAL_MILLIS - performance.now()
  if (wait <= 0) requestAnimationFrame(draw)
  else setTimeout(() => requestAnimationFrame(draw), wait)
}

let stream: RateStream<RateEvent> | undefined
let position: string | undefined

const RESTART_MILLIS = 5000

const setConnection = (next: Connection) => {
  connection.value = next
}

const follow = async () => {
  const current = client.watchEvents({
    since: position,
    onState: (state) => {
      if (stream !== current) return
      if (state === "live") setConnection("live")
      else if (state === "stale") setConnection("reconnecting")
    }
  })
  stream = current
  try {
    for await (const event of current) {
      lastContact.value = current.lastContact ?? new Date()
      if (event.type !== "gap") position = event.position
      if (event.type === "rate") offer(event.rate)
      else if (event.type === "snapshot") for (const rate of event.rates) offer(rate)
    }
  } catch {
    // The client gave up, for example because the server was not there at the start. The page does not.
  }
  if (stream !== current) return
  setConnection("reconnecting")
  setTimeout(() => {
    if (stream === current) void follow()
  }, RESTART_MILLIS)
}

const stop = () => {
  const ended = stream
  stream = undefined
  ended?.close()
}

/** Follows the rates for as long as the page is open. Resumes after the last change that it has. */
export const start = (): void => {
  const onOffline = () => {
    stop()
    setConnection("offline")
  }
  addEventListener("offline", onOffline)
  addEventListener("online", () => {
    stop()
    setConnection("reconnecting")
    void follow()
  })
  // Heartbeats are contact too, without an event.
  setInterval(() => {
    const contact = stream?.lastContact
    if (connection.value === "live" && contact !== undefined) lastContact.value = contact
  }, 1000)
  if (navigator.onLine) void follow()
  else onOffline()
}

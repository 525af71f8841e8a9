import { onScopeDispose, shallowRef, watch } from "vue"
import { EffexError } from "../../../src/client/promise/EffexError.ts"
import type { Order } from "../../../src/client/promise/orders/OrderValues.ts"
import type { EventStream } from "../../../src/client/promise/streams/EventStream.ts"
import type { Balance, Transaction, WalletEvent } from "../../../src/client/promise/wallets/WalletValues.ts"
import type { Connection } from "../rates/RateStore.ts"
import { account, loadClient } from "../session/Session.ts"
import { keyOf } from "./Statement.ts"

/** Rows of the activity that the store keeps. The statement has all. */
const MAX_ACTIVITY = 50
const RESTART_MILLIS = 5000

/** All balances, by code. Undefined until the server has sent them. */
export const balances = shallowRef<ReadonlyArray<Balance>>()
/** The latest movements, newest first. Undefined until they are loaded. */
export const activity = shallowRef<ReadonlyArray<Transaction>>()
/** Each order that changed while the page is open, as it is now. */
export const changedOrders = shallowRef<ReadonlyMap<string, Order>>(new Map())
/** Why the wallet could not be read. The store keeps trying. */
export const problem = shallowRef<EffexError>()
export const connection = shallowRef<Connection>("connecting")
/** When the server last sent something. */
export const lastContact = shallowRef<Date>()
/** Counts the events: a page reads a record again when something in the wallet has changed. */
export const revision = shallowRef(0)

let stream: EventStream<WalletEvent> | undefined
let position: string | undefined
let userId: string | undefined
let isStarted = false

/** Returns what the wallet has of an asset: zero if it never had any. */
export const balanceOf = (code: string): Balance =>
  balances.value?.find(({ asset }) => asset === code) ?? {
    asset: code,
    balance: "0",
    held: "0",
    available: "0"
  }

const put = (balance: Balance) => {
  const others = (balances.value ?? []).filter(({ asset }) => asset !== balance.asset)
  balances.value = [...others, balance].toSorted((a, b) => (a.asset < b.asset ? -1 : 1))
}

const loadActivity = async () => {
  const { transactions } = await loadClient()
  const { data } = await transactions({ pageSize: MAX_ACTIVITY }).page()
  const known = new Set(data.map(keyOf))
  // Movements that arrived while the page was read.
  const newer = (activity.value ?? []).filter(
    (row) => !known.has(keyOf(row)) && row.createdAt >= (data[0]?.createdAt ?? row.createdAt)
  )
  activity.value = [...newer, ...data].slice(0, MAX_ACTIVITY)
}

const apply = (event: WalletEvent) => {
  if (event.type !== "gap") position = event.position
  switch (event.type) {
    case "snapshot":
      balances.value = event.balances
      break
    case "balance":
      put(event.balance)
      break
    case "transaction": {
      const rows = activity.value ?? []
      const isKnown = rows.some((row) => keyOf(row) === keyOf(event.transaction))
      if (!isKnown) activity.value = [event.transaction, ...rows].slice(0, MAX_ACTIVITY)
      break
    }
    case "order":
      changedOrders.value = new Map(changedOrders.value).set(event.order.id, event.order)
      break
    case "gap":
      void loadActivity().catch(ignoreFailure)
  }
  revision.value++
}

/** The connection says that the server is unreachable; the next start of the stream loads again. */
const ignoreFailure = (error: unknown) => {
  if (!(error instanceof EffexError)) throw error
}

const follow = async () => {
  const client = await loadClient().catch(() => undefined)
  if (!isStarted || !navigator.onLine) return
  if (client === undefined) {
    connection.value = "reconnecting"
    setTimeout(() => void follow(), RESTART_MILLIS)
    return
  }
  const { watchWallet } = client
  const current = watchWallet({
    since: position,
    onState: (state) => {
      if (stream !== current) return
      if (state === "live") connection.value = "live"
      else if (state === "stale") connection.value = "reconnecting"
    }
  })
  stream?.close()
  stream = current
  try {
    for await (const event of current) {
      if (stream !== current) return
      problem.value = undefined
      lastContact.value = current.lastContact ?? new Date()
      apply(event)
      // What moved before the first event is in no event.
      if (event.type === "snapshot") await loadActivity()
    }
  } catch (error) {
    if (!(error instanceof EffexError)) throw error
    if (stream === current) problem.value = error
    if (error.code === "session-ended") return
  }
  if (stream !== current) return
  connection.value = navigator.onLine ? "reconnecting" : "offline"
  setTimeout(() => {
    if (stream === current) void follow()
  }, RESTART_MILLIS)
}

const stop = () => {
  const ended = stream
  stream = undefined
  ended?.close()
}

const clear = () => {
  stop()
  isStarted = false
  position = undefined
  balances.value = undefined
  activity.value = undefined
  changedOrders.value = new Map()
  problem.value = undefined
  lastContact.value = undefined
  connection.value = "connecting"
}

const onOffline = () => {
  if (!isStarted) return
  stop()
  connection.value = "offline"
}

const onOnline = () => {
  if (!isStarted) return
  stop()
  connection.value = "reconnecting"
  void follow()
}

/** Follows the wallet of the user who is signed in, until that user signs out. Resumes after the last event that it has. */
export const start = (): void => {
  if (isStarted || account.value.state !== "signed-in") return
  isStarted = true
  userId = account.value.user.id
  if (navigator.onLine) void follow()
  else connection.value = "offline"
}

if (typeof window !== "undefined") {
  addEventListener("offline", onOffline)
  addEventListener("online", onOnline)
  // Heartbeats are contact too, without an event.
  setInterval(() => {
    const contact = stream?.lastContact
    if (connection.value === "live" && contact !== undefined) lastContact.value = contact
  }, 1000)
  watch(account, (current) => {
    if (current.state !== "signed-in" || current.user.id !== userId) clear()
  })
}

/** Runs a function now and after each change of the wallet, at most once at a time, for as long as the page is open. */
export const onChange = (run: () => Promise<void>): void => {
  let isRunning = false
  let isAgain = false
  const next = async () => {
    if (isRunning) {
      isAgain = true
      return
    }
    isRunning = true
    try {
      do {
        isAgain = false
        await run()
      } while (isAgain)
    } finally {
      isRunning = false
    }
  }
  const stopWatching = watch(revision, () => void next(), { immediate: true })
  onScopeDispose(stopWatching)
}

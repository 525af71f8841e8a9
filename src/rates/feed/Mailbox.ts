import { Effect, Latch } from "effect"
import type { Array as Arrays } from "effect"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { PollFinished, RateChanged, RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"

/** What one reader has not been told yet: one event per pair at most, however slow the reader is. */
export interface Mailbox {
  /** What has happened since the last take, in order; waits until there is something. One taker at a time. */
  readonly take: Effect.Effect<Arrays.NonEmptyReadonlyArray<RateEvent>>
  /** The pairs that the reader wants from now on; all where none are given. */
  readonly want: (pairs: ReadonlyArray<CurrencyPair> | undefined) => void
  /** The reader is told every rate anew, of the pairs that it wants or of all; it has missed nothing. */
  readonly refresh: (everything: boolean) => void
  /** How many seconds the first of what was taken last had waited; none where it was made as it was taken. */
  readonly waited: () => number | undefined
}

/** The side of a mailbox that is filled. */
export interface Inbox extends Mailbox {
  /** What has happened since the last take, without waiting: nothing where there was nothing. */
  readonly takeNow: () => ReadonlyArray<RateEvent>
  readonly offer: (event: RateChanged | PollFinished) => void
  /** What is waiting is worth nothing any more: the reader must be given everything. */
  readonly invalidate: () => void
}

/**
 * A mailbox whose reader was told everything up to `told`. When a change would replace another one of its pair that was
 * not taken yet, all that waits is replaced by a gap and a snapshot, which `snapshot` makes once they are taken.
 */
export const make = (options: {
  readonly pairs: ReadonlyArray<CurrencyPair> | undefined
  readonly told: StreamPosition
  readonly first: ReadonlyArray<RateEvent>
  readonly snapshot: () => Snapshot
  /** When a waiting taker is woken; at once where it is not said. */
  readonly wake?: (taker: () => void) => void
}): Inbox => {
  const arrived = Latch.makeUnsafe(options.first.length > 0)
  const open = () => {
    arrived.openUnsafe()
  }
  let wanted = keysOf(options.pairs)
  let { first, told } = options
  let behind = false
  let asked: "nothing" | "wanted" | "everything" = "nothing"
  const waiting = new Map<string, RateChanged | PollFinished>()
  let since: number | undefined
  let waited: number | undefined

  const arrive = () => {
    since ??= performance.now()
    if (options.wake === undefined) open()
    else options.wake(open)
  }

  /** Every rate in the place of what waits, after a gap where that was not all that was missed. */
  const everything = (): ReadonlyArray<RateEvent> => {
    const { epoch, rates, sequence } = options.snapshot()
    const at = { epoch, sequence }
    const isTold = ({ pair }: Rate) => asked === "everything" || (wanted?.has(pair.key) ?? true)
    const poll = waiting.get(POLL)
    return [
      ...(behind ? [{ _tag: "Gap", ...at, since: told } as const] : []),
      { _tag: "Snapshot", ...at, rates: rates.filter(isTold) },
      ...(poll === undefined ? [] : [{ ...poll, ...at }])
    ]
  }

  const takeNow = (): ReadonlyArray<RateEvent> => {
    arrived.closeUnsafe()
    waited = since === undefined ? undefined : (performance.now() - since) / 1000
    since = undefined
    const rest = behind || asked !== "nothing" ? everything() : Array.from(waiting.values())
    told = positionOf(rest) ?? told
    const events = [...first, ...rest]
    first = []
    behind = false
    asked = "nothing"
    waiting.clear()
    return events
  }

  const take: Mailbox["take"] = Effect.suspend(() => {
    const [head, ...tail] = takeNow()
    return head === undefined ? Effect.andThen(arrived.await, take) : Effect.succeed([head, ...tail])
  })

  const dropChanges = (isUnwanted: (key: string) => boolean) => {
    for (const key of waiting.keys()) if (key !== POLL && isUnwanted(key)) waiting.delete(key)
  }

  const invalidate = () => {
    behind = true
    dropChanges(() => true)
    arrive()
  }

  const offer = (event: RateChanged | PollFinished) => {
    if (event._tag === "PollFinished") {
      waiting.delete(POLL)
      waiting.set(POLL, event)
    } else {
      const { key } = event.rate.pair
      if (behind || wanted?.has(key) === false) return
      if (waiting.has(key)) return invalidate()
      waiting.set(key, event)
    }
    arrive()
  }

  const want = (pairs: ReadonlyArray<CurrencyPair> | undefined) => {
    wanted = keysOf(pairs)
    dropChanges((key) => wanted?.has(key) === false)
  }

  const refresh = (all: boolean) => {
    asked = all || asked === "everything" ? "everything" : "wanted"
    arrived.openUnsafe()
  }

  return { take, takeNow, want, refresh, waited: () => waited, offer, invalidate }
}

/** Where the last poll waits, beside the pairs. */
const POLL = "poll"

const positionOf = (events: ReadonlyArray<RateEvent>): StreamPosition | undefined => {
  const last = events.at(-1)
  return last === undefined ? undefined : { epoch: last.epoch, sequence: last.sequence }
}

const keysOf = (pairs: ReadonlyArray<CurrencyPair> | undefined) =>
  pairs === undefined ? undefined : new Set(pairs.map(({ key }) => key))

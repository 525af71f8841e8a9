import { Effect } from "effect"
import type { Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { PollSummary } from "../../domain/rates/PollRun.ts"
import { isNewer, type Rate } from "../../domain/rates/Rate.ts"
import type { PollFinished, RateChanged, RateEvent, Snapshot } from "../../domain/rates/RateEvent.ts"
import type { StreamPosition } from "../../domain/rates/StreamPosition.ts"
import * as Mailbox from "./Mailbox.ts"
import * as Coalescer from "./Coalescer.ts"

/** How many of the last changes are kept for readers who come back: some twenty polls of 44 pairs. */
export const HISTORY = 1000

/** What a reader asks for. */
export interface Subscription {
  /** All pairs where there are none. */
  readonly pairs?: ReadonlyArray<CurrencyPair> | undefined
  /** What the reader was told last; without it, it is told everything first. */
  readonly since?: StreamPosition | undefined
}

/** Who is told of every change at once, and keeps by itself what it cannot pass on. */
export interface Follower {
  readonly offer: (event: RateChanged | PollFinished) => void
  /** Something was left out: whoever it tells must be given everything. */
  readonly invalidate: () => void
}

/** The changes as this process tells them: the newest rates, the last changes, and the mailboxes of the readers. */
export interface RateFeed {
  readonly position: () => StreamPosition
  /** The newest rate of a pair that was told, or found at the start. */
  readonly newest: (pair: CurrencyPair) => Rate | undefined
  readonly snapshot: () => Snapshot
  /** Tells of a rate under the next number, unless it or a newer one was told. */
  readonly tell: (rate: Rate) => void
  /** Tells of a change under the number that it has; a number that was told already is left out. */
  readonly apply: (sequence: number, rate: Rate) => void
  readonly tellPoll: (run: PollSummary) => void
  /** Takes rates as known, without telling of them. */
  readonly learn: (rates: ReadonlyArray<Rate>) => void
  /** Begins or enters an epoch, with what is known of its last changes; every reader is given everything anew. */
  readonly begin: (position: StreamPosition, history: ReadonlyArray<readonly [number, Rate]>) => void
  readonly subscribe: (subscription: Subscription) => Effect.Effect<Mailbox.Mailbox, never, Scope.Scope>
  /** What a reader is told first: everything, or what was missed, where all of that is still kept. */
  readonly beginning: (subscription: Subscription) => ReadonlyArray<RateEvent>
  readonly follow: (follower: Follower) => Effect.Effect<void, never, Scope.Scope>
}

/** The beginning of an epoch that no other process knows. */
export const newEpoch = Effect.gen(function* () {
  const random = yield* SecureRandom.SecureRandom
  const epoch = (yield* random.uuidV4()).replaceAll("-", "")
  return { epoch, sequence: 0 } satisfies StreamPosition
})

/** A feed in an epoch of its own. */
export const make = Effect.map(newEpoch, (start): RateFeed => {
  let { epoch, sequence }: StreamPosition = start
  const newest = new Map<string, Rate>()
  let history: Array<RateChanged> = []
  const readers = new Set<Follower>()

  /** Those who wait are woken together. */
  const woken = new Set<() => void>()
  const waking = Coalescer.make(() => {
    const takers = Array.from(woken)
    woken.clear()
    for (const taker of takers) taker()
  })
  const wake = (taker: () => void) => {
    woken.add(taker)
    waking.soon()
  }

  const learn = (rates: ReadonlyArray<Rate>) => {
    for (const rate of rates) {
      const known = newest.get(rate.pair.key)
      if (known === undefined || isNewer(rate, known)) newest.set(rate.pair.key, rate)
    }
  }

  /** Whoever told of the change may have been slower than others: an older rate is never told after a newer one. */
  const change = (at: number, rate: Rate): RateChanged => {
    learn([rate])
    return { _tag: "RateChanged", epoch, sequence: at, rate: newest.get(rate.pair.key) ?? rate }
  }

  const snapshot = (): Snapshot => ({
    _tag: "Snapshot",
    epoch,
    sequence,
    rates: Array.from(newest.values())
  })

  const begin: RateFeed["begin"] = (next, changes) => {
    epoch = next.epoch
    sequence = next.sequence
    learn(changes.map(([, rate]) => rate))
    history = changes.map(([at, rate]) => ({ _tag: "RateChanged", epoch, sequence: at, rate }))
    for (const reader of readers) reader.invalidate()
  }

  const apply = (at: number, rate: Rate) => {
    if (at <= sequence) return
    const isNext = at === sequence + 1
    sequence = at
    const event = change(at, rate)
    history = isNext ? [...history.slice(1 - HISTORY), event] : [event]
    for (const reader of readers) {
      if (isNext) reader.offer(event)
      else reader.invalidate()
    }
  }

  const beginning: RateFeed["beginning"] = ({ pairs, since }) => {
    const wanted = pairs === undefined ? undefined : new Set(pairs.map(({ key }) => key))
    const isWanted = ({ pair }: Rate) => wanted?.has(pair.key) ?? true
    const { rates, ...rest } = snapshot()
    const everything: Snapshot = { ...rest, rates: rates.filter(isWanted) }
    if (since === undefined) return [everything]
    const missed = history.filter((event) => event.sequence > since.sequence)
    if (since.epoch === epoch && sequence - since.sequence === missed.length) {
      return missed.filter(({ rate }) => isWanted(rate))
    }
    return [{ _tag: "Gap", epoch, sequence, since }, everything]
  }

  /** Nothing is told between the making of a reader and its first change. */
  const reading = <A extends Follower>(make: () => A) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        const reader = make()
        readers.add(reader)
        return reader
      }),
      (reader) => Effect.sync(() => readers.delete(reader))
    )

  return {
    position: () => ({ epoch, sequence }),
    newest: (pair) => newest.get(pair.key),
    snapshot,
    tell: (rate) => {
      const known = newest.get(rate.pair.key)
      if (known === undefined || isNewer(rate, known)) apply(sequence + 1, rate)
    },
    apply,
    tellPoll: (run) => {
      for (const reader of readers) reader.offer({ _tag: "PollFinished", epoch, sequence, run })
    },
    learn,
    begin,
    beginning,
    subscribe: (subscription) =>
      reading(() =>
        Mailbox.make({
          pairs: subscription.pairs,
          told: { epoch, sequence },
          first: beginning(subscription),
          snapshot,
          wake
        })
      ),
    follow: (follower) => Effect.asVoid(reading(() => follower))
  }
})

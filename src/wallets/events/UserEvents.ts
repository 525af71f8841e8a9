import { createHash } from "node:crypto"
import { Context, Effect, Fiber, Layer, Metric, Option, Schedule, Semaphore } from "effect"
import type { Array as Arrays, Duration, Scope } from "effect"
import { SecurityEvents } from "../../accounts/SecurityEvents.ts"
import * as EventPosition from "../../domain/wallets/EventPosition.ts"
import * as StreamMetrics from "../../platform/metrics/StreamMetrics.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as DatabaseIdentity from "../../platform/postgres/DatabaseIdentity.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import type { NamedWallet } from "../WalletRepo.ts"
import { OrderChanges } from "./OrderChanges.ts"
import { type Changes, MAX_MISSED, missedAfter, readerAt } from "./EventReader.ts"
import type { UserEvent } from "./UserEvent.ts"
import { UserEventRepo, type WalletState } from "./UserEventRepo.ts"
import { WalletChanges, type WatchContact } from "./WalletChanges.ts"

/** Entries, and security events, of one read: what is in memory for one slow reader. */
const PAGE_SIZE = 100
/** Reads of all streams of this node at a time, so that they leave the database to requests. */
const MAX_CONCURRENT_READS = 16
const RETRY_INTERVAL = "1 second"
/** A transaction commits later than it sets the time of an order. Longer than the timeout of a statement in a transaction. */
const COMMIT_DELAY_MILLIS = 180_000

/** Selects the events of a reader. */
export interface Subscription {
  readonly wallet: NamedWallet
  /** False for an API key that acts for the user: security events are for the user only. */
  readonly includesSecurity: boolean
  /** Last position that the reader received. Without it, the subscription starts with a snapshot. */
  readonly since: EventPosition.EventPosition | undefined
}

/** Events of a user for one reader, who takes them at its own pace. */
export interface UserEventReader {
  /** Takes the next events in order, and waits for them. Waits also while the database is unavailable. */
  readonly take: Effect.Effect<Arrays.NonEmptyReadonlyArray<UserEvent>>
}

/** The events of users: balances, transactions, orders and security events. */
export class UserEvents extends Context.Service<
  UserEvents,
  {
    /**
     * Subscribes to the events of a user. The reader first receives what it missed since its position, then a snapshot of
     * the balances, and then every change. When too much was missed, or the position is unknown here, a gap comes first.
     */
    readonly subscribe: (subscription: Subscription) => Effect.Effect<UserEventReader, never, Scope.Scope>
    /** The last time at which this node had all events. Undefined before the first contact. */
    readonly contact: () => WatchContact | undefined
  }
>()("effex/wallets/events/UserEvents") {
  static readonly layer = Layer.effect(
    UserEvents,
    Effect.gen(function* () {
      const changes = yield* WalletChanges
      const orderChanges = yield* OrderChanges
      const repo = yield* UserEventRepo
      const securityEvents = yield* SecurityEvents
      const database = yield* DatabaseIdentity.read(yield* Database)
      const singleFlight = yield* SingleFlight.make<Changes, StoreUnavailable>()
      const permits = Semaphore.makeUnsafe(MAX_CONCURRENT_READS)

      /** Readers with different events have different positions. */
      const streamOf = ({ includesSecurity, wallet }: Subscription) =>
        createHash("sha256")
          .update(`${database} ${wallet.id} ${includesSecurity ? "all" : "wallet"}`)
          .digest("hex")
          .slice(0, 16)

      const readAfter = Effect.fnUntraced(function* (
        { includesSecurity, wallet }: Subscription,
        position: EventPosition.EventPosition | undefined
      ) {
        const lastOrder = yield* orderChanges.lastChange(wallet.id)
        const ordersSince = (position?.orders ?? lastOrder) - COMMIT_DELAY_MILLIS
        const orders = yield* orderChanges.after(wallet.id, ordersSince, MAX_MISSED + 1)
        const state = yield* repo.state(wallet)
        const nothing = {
          state,
          orders,
          lastOrder,
          hasGap: false,
          security: [],
          entries: [],
          isComplete: true
        }
        if (position === undefined) return nothing satisfies Changes
        const missed = missedAfter(position, state, includesSecurity)
        if (missed === undefined || orders.length > MAX_MISSED || position.orders > lastOrder)
          return { ...nothing, hasGap: true } satisfies Changes
        const security =
          missed.security > 0n ? yield* securityEvents.after(wallet.userId, position.security, PAGE_SIZE) : []
        const entries = missed.ranges.length > 0 ? yield* repo.entries(missed.ranges, PAGE_SIZE) : []
        const isComplete = security.length < PAGE_SIZE && entries.length < PAGE_SIZE
        return { ...nothing, security, entries, isComplete } satisfies Changes
      })

      const subscribe = Effect.fnUntraced(function* (subscription: Subscription) {
        const { wallet } = subscription
        const watch = yield* changes.watch(wallet)
        const stream = streamOf(subscription)
        const { since } = subscription
        const reader = readerAt(stream, since)
        /** Generation of the last complete read, and the time until a hold expires. */
        let read: { readonly generation: number; readonly nextExpiry: WalletState["nextExpiry"] } | undefined

        const awaitChange = Effect.suspend(() =>
          read === undefined ? Effect.void : awaitUntil(watch.awaitChange(read.generation), read.nextExpiry)
        )
        const next = Effect.gen(function* () {
          yield* awaitChange
          const generation = watch.generation()
          const position = reader.position()
          // Readers at the same position share a read that started after the last change.
          const key = `${stream} ${generation} ${position === undefined ? "" : EventPosition.format(position)}`
          const found = yield* Effect.flatMap(
            singleFlight(key, permits.withPermit(readAfter(subscription, position))),
            Fiber.join
          ).pipe(Effect.retry(Schedule.spaced(RETRY_INTERVAL)), Effect.orDie)
          read = found.isComplete ? { generation, nextExpiry: found.state.nextExpiry } : undefined
          if (found.hasGap) yield* Metric.update(StreamMetrics.gaps, 1)
          return reader.receive(found)
        })
        const take: UserEventReader["take"] = Effect.flatMap(next, ([first, ...rest]) =>
          first === undefined ? take : Effect.succeed([first, ...rest])
        )
        return { take }
      })

      return UserEvents.of({ subscribe, contact: changes.contact })
    })
  ).pipe(Layer.provide(UserEventRepo.layer))
}

const awaitUntil = (change: Effect.Effect<void>, limit: Option.Option<Duration.Duration>) =>
  Option.isNone(limit) ? change : Effect.asVoid(Effect.timeoutOption(change, limit.value))

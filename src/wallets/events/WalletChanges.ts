import { Clock, Context, DateTime, Effect, Latch, Layer, RcRef, Schedule, Schema } from "effect"
import type { Scope } from "effect"
import { SecurityEvents } from "../../accounts/SecurityEvents.ts"
import type { LedgerAccountId } from "../../domain/ledger/LedgerAccount.ts"
import type { HoldId } from "../../domain/ledger/LedgerPosting.ts"
import type { WalletId } from "../../domain/wallets/Wallet.ts"
import { Ledger } from "../../ledger/Ledger.ts"
import * as RedisChannel from "../../platform/RedisChannel.ts"
import type { NamedWallet } from "../WalletRepo.ts"
import { OrderChanges } from "./OrderChanges.ts"
import { UserEventRepo } from "./UserEventRepo.ts"

/** Interval at which a node that watches wallets looks for changes of other nodes. */
const POLL_INTERVAL = "1 second"
const CHANNEL = "wallet-changes"
/** About 2 MB. */
const MAX_KNOWN_OWNERS = 20_000

/** A watched wallet. */
export interface WalletWatch {
  /** Number of changes so far. Read it before the database, and wait for the next one after it. */
  readonly generation: () => number
  /** Waits for a change after a generation. */
  readonly awaitChange: (generation: number) => Effect.Effect<void>
}

/** The last time at which this node had all changes of the wallets that it watches. */
export interface WatchContact {
  readonly at: DateTime.Utc
  /** Age by the monotonic clock. */
  readonly ageSeconds: number
}

/** State of the watches of one wallet. */
interface Watched {
  readonly wallet: NamedWallet
  watches: number
  generation: number
  changed: Latch.Latch
  /** Undefined before the first poll. */
  fingerprint: string | undefined
}

const Ids = Schema.fromJsonString(Schema.Array(Schema.String))
const encodeIds = Schema.encodeSync(Ids)
const decodeIds = Schema.decodeUnknownOption(Ids)

const make = Effect.fnUntraced(function* (channel?: RedisChannel.RedisChannel) {
  const clock = yield* Clock.Clock
  const ledger = yield* Ledger
  const orders = yield* OrderChanges
  const repo = yield* UserEventRepo
  const securityEvents = yield* SecurityEvents
  const watched = new Map<WalletId, Watched>()
  /** By the ids of wallets and of their users. */
  const byId = new Map<string, Watched>()
  const knownOwners = new Map<LedgerAccountId, string | null>()
  let contact: { readonly at: number; readonly nanos: bigint } | undefined

  const wake = (entry: Watched) => {
    entry.generation++
    const { changed } = entry
    entry.changed = Latch.makeUnsafe()
    changed.openUnsafe()
  }
  const wakeIds = (ids: Iterable<string>) => {
    for (const id of ids) {
      const entry = byId.get(id)
      if (entry !== undefined) wake(entry)
    }
  }

  // Changes of this process, until they are announced.
  const accounts = new Set<LedgerAccountId>()
  const holds = new Set<HoldId>()
  const users = new Set<string>()
  const hasChanges = Latch.makeUnsafe()
  const hasListeners = () => watched.size > 0 || channel !== undefined

  /** Returns the owners of the changed accounts. What cannot be read now is found by the next poll. */
  const takeOwners = Effect.suspend(() => {
    const changed = Array.from(accounts)
    const ended = Array.from(holds)
    accounts.clear()
    holds.clear()
    if (knownOwners.size > MAX_KNOWN_OWNERS) knownOwners.clear()
    const unknown = changed.filter((account) => !knownOwners.has(account))
    return Effect.map(repo.owners(unknown, ended), (owners) => {
      for (const [account, owner] of owners) knownOwners.set(account, owner)
      const all = [...changed.map((account) => knownOwners.get(account)), ...owners.values()]
      return all.flatMap((owner) => owner ?? [])
    })
  }).pipe(Effect.catchTag("StoreUnavailable", () => Effect.succeed<ReadonlyArray<string>>([])))

  const announce = Effect.gen(function* () {
    yield* hasChanges.await
    hasChanges.closeUnsafe()
    const changedUsers = Array.from(users)
    users.clear()
    const ids = Array.from(new Set([...changedUsers, ...(yield* takeOwners)]))
    if (ids.length === 0) return
    wakeIds(ids)
    if (channel !== undefined) yield* channel.publish(encodeIds(ids))
  })

  yield* ledger.listen((postings) => {
    if (!hasListeners()) return
    for (const { ends, entries, opens } of postings) {
      for (const { account } of entries) accounts.add(account)
      for (const { account } of opens) accounts.add(account)
      for (const { holdId } of ends) holds.add(holdId)
    }
    hasChanges.openUnsafe()
  })
  yield* securityEvents.listen((user) => {
    if (!hasListeners()) return
    users.add(user)
    hasChanges.openUnsafe()
  })
  yield* announce.pipe(
    Effect.catchCause((cause) => Effect.logError("A change of a wallet could not be announced", cause)),
    Effect.forever,
    Effect.forkScoped
  )
  if (channel !== undefined)
    yield* channel
      .subscribe((message) => {
        const ids = decodeIds(message)
        if (ids._tag === "Some") wakeIds(ids.value)
      })
      .pipe(Effect.forkScoped)

  // Also with Redis, which may lose messages.
  const poll = Effect.gen(function* () {
    const startedAt = { at: clock.currentTimeMillisUnsafe(), nanos: clock.monotonicTimeNanosUnsafe() }
    const wallets = Array.from(watched.keys())
    const fingerprints = yield* repo.fingerprints(wallets)
    const ofOrders = yield* orders.fingerprints(wallets)
    contact = startedAt
    for (const [id, ofWallet] of fingerprints) {
      const fingerprint = `${ofWallet}, ${ofOrders.get(id) ?? ""}`
      const entry = watched.get(id)
      if (entry === undefined || entry.fingerprint === fingerprint) continue
      entry.fingerprint = fingerprint
      wake(entry)
    }
  }).pipe(
    Effect.catchCause((cause) => Effect.logDebug("Watched wallets could not be checked for changes", cause)),
    Effect.repeat(Schedule.spaced(POLL_INTERVAL))
  )
  /** Polls while there is a watch. */
  const polling = yield* RcRef.make({ acquire: Effect.forkScoped(poll) })

  const add = (wallet: NamedWallet) => {
    const known = watched.get(wallet.id)
    const entry = known ?? {
      wallet,
      watches: 0,
      generation: 0,
      changed: Latch.makeUnsafe(),
      fingerprint: undefined
    }
    entry.watches++
    if (known === undefined) {
      watched.set(wallet.id, entry)
      byId.set(wallet.id, entry).set(wallet.userId, entry)
    }
    return entry
  }
  const remove = (entry: Watched) => {
    if (--entry.watches > 0) return
    watched.delete(entry.wallet.id)
    byId.delete(entry.wallet.id)
    byId.delete(entry.wallet.userId)
  }

  return WalletChanges.of({
    watch: Effect.fnUntraced(function* (wallet) {
      const entry = yield* Effect.acquireRelease(
        Effect.sync(() => add(wallet)),
        (entry) => Effect.sync(() => remove(entry))
      )
      yield* RcRef.get(polling)
      return {
        generation: () => entry.generation,
        awaitChange: (generation) =>
          Effect.suspend(() => (entry.generation === generation ? entry.changed.await : Effect.void))
      }
    }),
    contact: () =>
      contact && {
        at: DateTime.makeUnsafe(contact.at),
        ageSeconds: Number(clock.monotonicTimeNanosUnsafe() - contact.nanos) / 1e9
      }
  })
})

/**
 * Wakes the readers of wallets that have changed. It only says that there is something to read: the changes themselves are in
 * PostgreSQL. A change of this process is announced after its commit, also over Redis. Changes that no message announced are
 * found within a second, because a node with readers polls PostgreSQL.
 */
export class WalletChanges extends Context.Service<
  WalletChanges,
  {
    /** Watches a wallet until the scope closes. */
    readonly watch: (wallet: NamedWallet) => Effect.Effect<WalletWatch, never, Scope.Scope>
    /** Undefined before the first contact. */
    readonly contact: () => WatchContact | undefined
  }
>()("effex/wallets/events/WalletChanges") {
  /** Announces within this process. */
  static readonly layerMemory = Layer.effect(WalletChanges, make()).pipe(Layer.provide(UserEventRepo.layer))

  /** Announces over Redis too. */
  static readonly layerRedis = Layer.effect(
    WalletChanges,
    Effect.gen(function* () {
      return yield* make(yield* RedisChannel.make(CHANNEL))
    })
  ).pipe(Layer.provide(UserEventRepo.layer))
}

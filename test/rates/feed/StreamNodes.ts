import { assert } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import { isNewer, type Rate } from "../../../src/domain/rates/Rate.ts"
import type { RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { RedisKeys } from "../../../src/platform/RedisKeys.ts"
import { StoreUnavailable } from "../../../src/platform/postgres/StoreUnavailable.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import type { Subscription } from "../../../src/rates/feed/RateFeed.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { numberOf } from "../../support/SampleRates.ts"
import * as TestSettings from "../../support/TestSettings.ts"
import { eventually } from "../../support/Waiters.ts"

/** The latest rates of a database that nodes share. Tests fill it and take it down. */
export class StoredRates {
  isUp = true
  readonly rates = new Map<string, Rate>()

  add(rate: Rate) {
    this.rates.set(rate.pair.key, rate)
    return rate
  }

  readonly repo: Layer.Layer<RateRepo> = Layer.mock(RateRepo)({
    latestAll: this.read(() => Array.from(this.rates.values())),
    latestIds: this.read(() => new Map(Array.from(this.rates, ([key, { id }]) => [key, id]))),
    latest: (pair) => this.read(() => Option.fromUndefinedOr(this.rates.get(pair.key)))
  })

  private read<A>(value: () => A): Effect.Effect<A, StoreUnavailable> {
    return Effect.suspend(() =>
      this.isUp ? Effect.sync(value) : Effect.fail(new StoreUnavailable({ cause: "down" }))
    )
  }
}

/** Starts the broadcaster of a node over the Redis at `url`. Nodes with the same identity are one deployment. */
export const start = Effect.fnUntraced(function* (
  url: string,
  identity: string = "db1",
  stored: StoredRates = new StoredRates(),
  env: Readonly<Record<string, string>> = {}
) {
  const services = yield* Layer.build(
    Broadcaster.layerRedis.pipe(
      Layer.provide([Redis.layer, RedisKeys.layerOf(identity), SecureRandom.layerWebCrypto, stored.repo]),
      Layer.provide(TestSettings.layer({ REDIS_URL: url, ...env })),
      Layer.fresh
    )
  )
  return Context.get(services, Broadcaster)
})

type Node = Broadcaster["Service"]

/** Subscribes, applies events immediately, and asserts that they are in order. */
export const read = Effect.fnUntraced(function* (node: Node, subscription?: Subscription) {
  const received: Array<RateEvent> = []
  const view = new Map<string, Rate>()
  const mailbox = yield* node.subscribe(subscription)

  const applyRate = (rate: Rate) => {
    const known = view.get(rate.pair.key)
    assert.isFalse(known !== undefined && isNewer(known, rate), "an older rate after a newer one")
    view.set(rate.pair.key, rate)
  }
  const apply = (event: RateEvent) => {
    const before = received.at(-1) ?? subscription?.since
    received.push(event)
    if (event._tag === "Snapshot") event.rates.forEach(applyRate)
    if (event._tag !== "RateChanged") return
    assert.strictEqual(event.epoch, before?.epoch)
    if (subscription?.pairs === undefined) assert.strictEqual(event.sequence, (before?.sequence ?? 0) + 1)
    applyRate(event.rate)
  }
  const reading = yield* Effect.map(mailbox.take, (events) => events.forEach(apply)).pipe(
    Effect.forever,
    Effect.forkScoped
  )
  /** Reads a value, after asserting that the subscription has not failed. */
  const checked = <A>(read: () => A) => {
    const exit = reading.pollUnsafe()
    if (exit !== undefined)
      assert.fail(`${Exit.isFailure(exit) && Cause.pretty(exit.cause)} in ${received.map(format)}`)
    return read()
  }

  return {
    received: () => checked(() => received),
    /** Received events as short text. */
    texts: () => checked(() => received.map(format)),
    /** Numbers of the latest rates, by pair. */
    view: () => checked(() => Object.fromEntries(Array.from(view, ([key, rate]) => [key, numberOf(rate)]))),
    last: () => checked(() => received.at(-1))
  }
})

const formatRate = (rate: Rate) => `${rate.pair.key}=${numberOf(rate)}`

const format = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${formatRate(event.rate)}`
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map(formatRate).toSorted().join()}`
    case "RateStale":
      return `${event.sequence} stale ${formatRate(event.rate)}`
    case "PollFinished":
      return `${event.sequence} poll ${event.run.id.slice(-4)}`
    case "Gap":
      return `${event.sequence} gap since ${event.since.sequence}`
  }
}

/** Waits until a condition holds. */
export const until = (expectation: string, holds: () => boolean) =>
  eventually(expectation, () => holds() || undefined)

/** Waits until all nodes are at the same position. */
export const untilInSync = (...nodes: ReadonlyArray<Node>) =>
  until("one position", () => {
    const positions = nodes
      .map((node) => node.snapshot())
      .map(({ epoch, sequence }) => `${epoch}-${sequence}`)
    return new Set(positions).size === 1
  })

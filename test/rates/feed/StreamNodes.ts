import { assert } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { isNewer, type Rate } from "../../../src/domain/rates/Rate.ts"
import type { RateEvent } from "../../../src/domain/rates/RateEvent.ts"
import { Redis } from "../../../src/platform/Redis.ts"
import { Broadcaster } from "../../../src/rates/feed/Broadcaster.ts"
import type { Subscription } from "../../../src/rates/feed/RateFeed.ts"
import { RateRepo } from "../../../src/rates/RateRepo.ts"
import { numberOf } from "../../support/SampleRates.ts"
import * as TestSettings from "../../support/TestSettings.ts"

/** The broadcaster of a node of its own, over the Redis at `url`. */
export const start = Effect.fnUntraced(function* (url: string) {
  const services = yield* Layer.build(
    Broadcaster.layerRedis.pipe(
      Layer.provide([
        Redis.layer,
        SecureRandom.layerWebCrypto,
        Layer.mock(RateRepo)({ latestAll: Effect.succeed([]) })
      ]),
      Layer.provide(TestSettings.layer({ REDIS_URL: url })),
      Layer.fresh
    )
  )
  return Context.get(services, Broadcaster)
})

type Node = Broadcaster["Service"]

/** A reader who takes what it is told at once, and makes sure that nothing is told out of order. */
export const read = Effect.fnUntraced(function* (node: Node, subscription?: Subscription) {
  const told: Array<RateEvent> = []
  const view = new Map<string, Rate>()
  const mailbox = yield* node.subscribe(subscription)

  const believe = (rate: Rate) => {
    const known = view.get(rate.pair.key)
    assert.isFalse(known !== undefined && isNewer(known, rate), "an older rate after a newer one")
    view.set(rate.pair.key, rate)
  }
  const apply = (event: RateEvent) => {
    const before = told.at(-1) ?? subscription?.since
    told.push(event)
    if (event._tag === "Snapshot") event.rates.forEach(believe)
    if (event._tag !== "RateChanged") return
    assert.strictEqual(event.epoch, before?.epoch)
    if (subscription?.pairs === undefined) assert.strictEqual(event.sequence, (before?.sequence ?? 0) + 1)
    believe(event.rate)
  }
  const reading = yield* Effect.map(mailbox.take, (events) => events.forEach(apply)).pipe(
    Effect.forever,
    Effect.forkScoped
  )
  /** What was read, unless that was out of order. */
  const soFar = <A>(look: () => A) => {
    const exit = reading.pollUnsafe()
    if (exit !== undefined)
      assert.fail(`${Exit.isFailure(exit) && Cause.pretty(exit.cause)} in ${told.map(short)}`)
    return look()
  }

  return {
    told: () => soFar(() => told),
    /** What was told, in short. */
    short: () => soFar(() => told.map(short)),
    /** The rates that it believes to be the newest, by the numbers with which they were made. */
    view: () => soFar(() => Object.fromEntries(Array.from(view, ([key, rate]) => [key, numberOf(rate)]))),
    last: () => soFar(() => told.at(-1))
  }
})

const shortRate = (rate: Rate) => `${rate.pair.key}=${numberOf(rate)}`

const short = (event: RateEvent): string => {
  switch (event._tag) {
    case "RateChanged":
      return `${event.sequence} ${shortRate(event.rate)}`
    case "Snapshot":
      return `${event.sequence} all ${event.rates.map(shortRate).toSorted().join()}`
    case "PollFinished":
      return `${event.sequence} poll ${event.run.id.slice(-4)}`
    case "Gap":
      return `${event.sequence} gap since ${event.since.sequence}`
  }
}

/** Waits until something holds, and no longer than it may take. */
export const until = Effect.fnUntraced(function* (what: string, holds: () => boolean, millis = 5000) {
  const startedAt = performance.now()
  while (!holds()) {
    if (performance.now() - startedAt > millis) assert.fail(`${millis} ms, and not yet: ${what}`)
    yield* Effect.sleep("10 millis")
  }
})

/** Waits until nodes are in one epoch, at one position. */
export const untilOne = (...nodes: ReadonlyArray<Node>) =>
  until("one position", () => {
    const positions = nodes
      .map((node) => node.snapshot())
      .map(({ epoch, sequence }) => `${epoch}-${sequence}`)
    return new Set(positions).size === 1
  })

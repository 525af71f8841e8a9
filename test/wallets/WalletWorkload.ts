import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"
import { WalletModel } from "./WalletModel.ts"
import * as WalletNodes from "./WalletNodes.ts"
import * as WalletOperations from "./WalletOperations.ts"

const USERS = 8
const CALLERS = 32
const OPERATIONS_PER_SAMPLE = 100

/** A repeatable sequence of numbers from 0 to 1 (mulberry32). */
export const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Outcomes that are stored under a key, so that its repetition has the same. */
export const STORED = new Set(["Posted", "Held", "InsufficientFunds"])

/**
 * Sends random operations of 32 concurrent callers to two nodes of one database, and compares the wallets and the accounts of
 * the house with a model in integers. One operation in ten repeats an earlier request, on either node. Returns the number of
 * operations by outcome.
 */
export const run = Effect.fnUntraced(function* (operations: number, seed: number) {
  const url = yield* TestDatabase.create
  const nodes = [yield* WalletNodes.start(url), yield* WalletNodes.start(url)] as const
  const [first] = nodes
  const users = yield* WalletNodes.on(
    first,
    Effect.forEach(
      Array.from({ length: USERS }, (_, n) => `user${n}`),
      (name) => TestWallets.user(name)
    )
  )
  const random = randomOf(seed)
  const model = new WalletModel()
  const next = WalletOperations.make(users, model, random)
  const done: Array<{
    readonly operation: WalletOperations.Operation
    readonly outcome: WalletOperations.Outcome
  }> = []
  const counts = new Map<string, number>()
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)

  const step = Effect.gen(function* () {
    const node = random() < 0.5 ? first : nodes[1]
    const earlier = random() < 0.1 ? done[Math.floor(random() * done.length)] : undefined
    if (earlier !== undefined) {
      const { operation, outcome } = earlier
      assert.deepStrictEqual(
        yield* WalletNodes.on(node, operation.request),
        outcome,
        `a repeated ${operation.name}`
      )
      count("repeated")
      return
    }
    const operation = next()
    const outcome = yield* WalletNodes.on(node, operation.request)
    count(`${operation.name}: ${outcome.tag}`)
    if (outcome.tag === "Posted") {
      model.change(operation.changes)
      operation.onPosted?.()
    }
    if (outcome.tag === "Held" && outcome.id !== undefined) operation.onHeld?.(outcome.id)
    if (STORED.has(outcome.tag)) done.push({ operation, outcome })
  })

  let started = 0
  let samples = 0
  const caller = Effect.gen(function* () {
    while (started < operations) {
      started++
      if (started % OPERATIONS_PER_SAMPLE === 0) {
        assert.deepStrictEqual(yield* WalletNodes.on(first, Requests.imbalances), [])
        samples++
      }
      yield* step
    }
  })
  yield* Effect.all(
    Array.from({ length: CALLERS }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
  assert.deepStrictEqual(yield* WalletNodes.on(first, WalletNodes.differencesOf(model, users)), [])
  assert.deepStrictEqual(yield* WalletNodes.on(first, WalletNodes.unpairedConversions), [])
  const verification = yield* WalletNodes.on(
    first,
    Effect.flatMap(LedgerVerifier, ({ verify }) => verify)
  )
  assert.isTrue(verification.ok, JSON.stringify(verification))
  return { counts: Object.fromEntries(Array.from(counts).toSorted()), samples, verification }
})

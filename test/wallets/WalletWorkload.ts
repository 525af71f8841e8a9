import { assert } from "@effect/vitest"
import { BigDecimal, type Context, Effect, Layer, Option } from "effect"
import { SecureRandom } from "effect/crypto"
import * as App from "../../src/App.ts"
import { Ledger } from "../../src/ledger/Ledger.ts"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import { Database } from "../../src/platform/postgres/Database.ts"
import type { NamedWallet } from "../../src/wallets/WalletRepo.ts"
import { tick } from "../support/RateTicks.ts"
import * as TestConversions from "../support/TestConversions.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { TestProvider } from "../support/TestProvider.ts"
import * as TestSettings from "../support/TestSettings.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"
import { MARGIN, rateOf, WalletModel } from "./WalletModel.ts"
import * as WalletOperations from "./WalletOperations.ts"

const USERS = 8
const CALLERS = 32
const OPERATIONS_PER_SAMPLE = 100

/** Limits of the risk rules that the workload does not reach. */
const RISK_LIMITS = Object.fromEntries(
  ["HOUR", "DAY", "ASSET_HOUR", "ASSET_DAY"].flatMap((period) => [
    [`RISK_${period}_COUNT`, "999999"],
    [`RISK_${period}_VALUE`, "999999999999"]
  ])
)

/** The application on a database, with a provider that quotes the rates of the model. */
const startNode = Effect.fnUntraced(function* (url: string) {
  const app = App.users.pipe(
    Layer.provideMerge(TestConversions.features),
    Layer.provideMerge(App.assets),
    Layer.provideMerge(Database.layer),
    Layer.provideMerge(
      TestSettings.layer({
        DATABASE_URL: url,
        AUDIT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        JWT_SIGNING_KEY: TestConversions.SIGNING_KEY,
        CONVERSION_MARGIN: MARGIN,
        ...RISK_LIMITS
      })
    ),
    Layer.provideMerge(SecureRandom.layerWebCrypto)
  )
  const context = yield* Layer.build(Layer.fresh(app))
  const provider = yield* Effect.provideContext(TestProvider, context)
  yield* provider.respondWith(({ from, to }) => tick(from, to, rateOf(from, to)))
  return context
})

type Node = Effect.Success<ReturnType<typeof startNode>>
type Services = Node extends Context.Context<infer R> ? R : never

const on = <A, E>(node: Node, effect: Effect.Effect<A, E, Services>) => Effect.provideContext(effect, node)

/** A repeatable sequence of numbers from 0 to 1 (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Outcomes that are stored under a key, so that its repetition has the same. */
const STORED = new Set(["Posted", "Held", "InsufficientFunds"])

/**
 * Sends random operations of 32 concurrent callers to two nodes of one database, and compares the wallets and the accounts of
 * the house with a model in integers. One operation in ten repeats an earlier request, on either node. Returns the number of
 * operations by outcome.
 */
export const run = Effect.fnUntraced(function* (operations: number, seed: number) {
  const url = yield* TestDatabase.create
  const nodes = [yield* startNode(url), yield* startNode(url)] as const
  const [first] = nodes
  const users = yield* on(
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
      assert.deepStrictEqual(yield* on(node, operation.request), outcome, `a repeated ${operation.name}`)
      count("repeated")
      return
    }
    const operation = next()
    const outcome = yield* on(node, operation.request)
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
        assert.deepStrictEqual(yield* on(first, Requests.imbalances), [])
        samples++
      }
      yield* step
    }
  })
  yield* Effect.all(
    Array.from({ length: CALLERS }, () => caller),
    { concurrency: "unbounded", discard: true }
  )
  assert.deepStrictEqual(yield* on(first, differencesOf(model, users)), [])
  assert.deepStrictEqual(yield* on(first, unpairedConversions), [])
  const verification = yield* on(
    first,
    Effect.flatMap(LedgerVerifier, ({ verify }) => verify)
  )
  assert.isTrue(verification.ok, JSON.stringify(verification))
  return { counts: Object.fromEntries(Array.from(counts).toSorted()), samples, verification }
})

/** Accounts whose balance or held amount is not that of the model. */
const differencesOf = Effect.fnUntraced(function* (model: WalletModel, users: ReadonlyArray<NamedWallet>) {
  const { accountOf } = yield* Ledger
  const differences: Array<string> = []
  for (const { balance, code, held, owner } of model.state) {
    const stored = Option.getOrNull(yield* accountOf(WalletOperations.nameOf(users, { owner, code })))
    const amounts = [balance, held].map((amount) => WalletOperations.toDecimal(amount, code))
    // An account is opened with its first entry or hold.
    const actual = [stored?.balance, stored?.held].map((amount) => amount ?? BigDecimal.make(0n, 0))
    if (!amounts.every((amount, i) => BigDecimal.equals(amount, actual[i] ?? amount)))
      differences.push(
        `${owner} ${code}: ${actual.join(" and held ")}; the model has ${amounts.join(" and held ")}`
      )
  }
  return differences
})

/** Conversions of which the audit or the ledger has nothing. */
const unpairedConversions = Effect.flatMap(
  Database,
  ({ sql }) => sql`
    SELECT record.id AS record, transfer.id AS transfer FROM conversion_audit AS record
    FULL JOIN (SELECT id FROM ledger_transfer WHERE kind = 'conversion') AS transfer ON transfer.id = record.id
    WHERE record.id IS NULL OR transfer.id IS NULL`
)

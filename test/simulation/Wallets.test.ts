import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Option, Predicate, Schema } from "effect"
import { LedgerVerifier } from "../../src/ledger/LedgerVerifier.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import * as TestWallets from "../support/TestWallets.ts"
import * as Requests from "../support/WalletConversionRequests.ts"
import { WalletModel } from "../wallets/WalletModel.ts"
import * as WalletNodes from "../wallets/WalletNodes.ts"
import * as WalletOperations from "../wallets/WalletOperations.ts"
import { randomOf, STORED } from "../wallets/WalletWorkload.ts"
import * as FaultyDatabase from "./FaultyDatabase.ts"

const PROCESSES = 2
const USERS = 3

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))

/** One request to a process. A fault hits one of its calls of the database; the request is then repeated at another process. */
const Step = Schema.Struct({
  process: below(PROCESSES),
  /** A new operation, or an earlier one again. */
  does: Schema.Literals(["new", "new", "new", "again"]),
  fault: Schema.Literals(["none", "down", "lossy"]),
  /** Calls of the database that succeed before the fault. */
  after: below(5)
})

/** Operations depend only on the seed, and on which of them succeed. */
const History = Schema.Struct({ seed: below(1_000_000), steps: Schema.Array(Step) })

/** Processes that outlive the histories, and stand at one moment: their rates stay fresh. */
const start = Effect.gen(function* () {
  const url = yield* TestDatabase.create
  const databases = Array.from({ length: PROCESSES }, FaultyDatabase.make)
  const processes = yield* Effect.forEach(databases, ({ layer }) => WalletNodes.start(url, layer))
  for (const process of processes) yield* WalletNodes.on(process, WalletNodes.readRates)
  return processes.map((process, i) => ({
    process,
    database: databases[i] ?? assert.fail("no such database")
  }))
})
type Processes = Effect.Success<typeof start>

let histories = 0

const play = Effect.fnUntraced(function* (processes: Processes, { seed, steps }: typeof History.Type) {
  const processAt = (index: number) => processes[index % PROCESSES] ?? assert.fail("no such process")
  const { process: first } = processAt(0)
  const history = histories++
  const users = yield* WalletNodes.on(
    first,
    Effect.forEach(
      Array.from({ length: USERS }, (_, n) => `user${n}-${history}`),
      (name) => TestWallets.user(name)
    )
  )
  const random = randomOf(seed)
  const model = new WalletModel()
  model.change(yield* WalletNodes.on(first, WalletNodes.houseBalances))
  const next = WalletOperations.make(users, model, random)
  const done: Array<{
    readonly operation: WalletOperations.Operation
    readonly outcome: WalletOperations.Outcome
  }> = []

  /** Sends a request to a process, and after an unknown outcome to the other one. */
  const send = Effect.fnUntraced(function* (
    { after, fault, process: index }: typeof Step.Type,
    { name, request }: WalletOperations.Operation
  ) {
    const { database, process } = processAt(index)
    if (fault !== "none") database.failNext(fault, after)
    const exit = yield* Effect.exit(WalletNodes.on(process, request))
    database.heal()
    if (Exit.isSuccess(exit)) return exit.value
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (!Predicate.isTagged(error, "StoreUnavailable")) return yield* Effect.orDie(exit)
    assert.notStrictEqual(fault, "none", name)
    return yield* Effect.orDie(WalletNodes.on(processAt(index + 1).process, request))
  })

  for (const step of steps) {
    const earlier = step.does === "again" ? done[Math.floor(random() * done.length)] : undefined
    if (earlier !== undefined) {
      assert.deepStrictEqual(yield* send(step, earlier.operation), earlier.outcome, "a key has one outcome")
      continue
    }
    const operation = next(`history ${history}`)
    const isCovered = operation.takes.every((taken) => model.covers(taken))
    const outcome = yield* send(step, operation)
    const detail = `${operation.name}: ${outcome.tag}`
    if (operation.isTooSmall === true) assert.notStrictEqual(outcome.tag, "Posted", detail)
    else assert.strictEqual(outcome.tag === "InsufficientFunds", !isCovered, detail)
    if (outcome.tag === "Posted") {
      model.change(operation.changes)
      operation.onPosted?.()
    }
    if (outcome.tag === "Held" && outcome.id !== undefined) operation.onHeld?.(outcome.id)
    if (STORED.has(outcome.tag)) done.push({ operation, outcome })
  }
  assert.deepStrictEqual(yield* WalletNodes.on(first, WalletNodes.differencesOf(model, users)), [])
  assert.deepStrictEqual(yield* WalletNodes.on(first, Requests.imbalances), [])
  assert.deepStrictEqual(yield* WalletNodes.on(first, WalletNodes.unpairedConversions), [])
  const verification = yield* WalletNodes.on(
    first,
    Effect.flatMap(LedgerVerifier, ({ verify }) => verify)
  )
  assert.isTrue(verification.ok, JSON.stringify(verification))
})

class Simulated extends Context.Service<Simulated, Processes>()("effex/test/Simulated") {
  static readonly layer = Layer.effect(Simulated, start)
}

layer(Simulated.layer)("Simulation of wallets in two processes on PostgreSQL", (it) => {
  it.effect.prop(
    "moves money once per key, and never more than there is, under any history of faults",
    [History],
    ([history]) => Effect.flatMap(Simulated, (processes) => play(processes, history)),
    { arbitrary: { runs: 12, size: 40, maxShrinks: 50 } }
  )
})

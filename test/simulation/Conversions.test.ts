import { assert, describe, it } from "@effect/vitest"
import {
  BigDecimal,
  DateTime,
  Duration,
  Effect,
  Exit,
  type Fiber,
  Layer,
  Option,
  Schema,
  Scope
} from "effect"
import { SecureRandom } from "effect/crypto"
import { constVoid } from "effect/Function"
import { TestClock } from "effect/testing"
import { AuditLog } from "../../src/audit/AuditLog.ts"
import * as CommittedConversion from "../../src/conversion/CommittedConversion.ts"
import { Conversions } from "../../src/conversion/Conversions.ts"
import { Pricing } from "../../src/conversion/Pricing.ts"
import { Quotes } from "../../src/conversion/Quotes.ts"
import { UnsealedRecords } from "../../src/audit/UnsealedRecords.ts"
import { QuoteId } from "../../src/domain/conversion/Quote.ts"
import { RateId } from "../../src/domain/rates/Rate.ts"
import { Rates } from "../../src/rates/lookup/Rates.ts"
import { violatedRules } from "../soak/ExpectedNumbers.ts"
import { conversionRequest } from "../support/ConversionRequests.ts"
import * as TestSettings from "../support/TestSettings.ts"
import * as MemoryAudit from "./MemoryAudit.ts"
import { SIMULATION_RUNS } from "./SimulationRuns.ts"

const PROCESSES = 2
const KEYS = 4
const QUOTES = 3
const AMOUNTS = ["500", "0.01", "123456.78"]
const MARGIN = "0.005"

const below = (limit: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: limit - 1 }))
const literal = <const L extends string>(value: L) => Schema.Literal(value)
const Convert = Schema.Tuple([literal("convert"), below(PROCESSES), below(KEYS), below(AMOUNTS.length)])
const ByQuote = Schema.Tuple([literal("by quote"), below(PROCESSES), below(KEYS), below(QUOTES)])

/** Possible actions, discriminated by the first member. */
const Action = Schema.Union([
  Convert,
  Convert,
  ByQuote,
  ByQuote,
  Schema.Tuple([literal("quote"), below(PROCESSES), below(QUOTES), below(AMOUNTS.length)]),
  Schema.Tuple([literal("time"), Schema.Literals([1, 200, 5000, 20_000])]),
  Schema.Tuple([literal("store"), Schema.Literals(["healthy", "slow", "down", "lossy", "racing"])]),
  Schema.Tuple([literal("restart"), below(PROCESSES)])
])
type Action = typeof Action.Type

/** A conversion request with an optional quote. */
interface Request {
  readonly key: string
  readonly amount: string
  readonly quoteId: QuoteId | null
}

/** Creates rates that differ in every lookup. */
const makeRates = () => {
  let count = 0n
  return Layer.mock(Rates, {
    peek: () => undefined,
    countLookup: constVoid,
    lookup: (pair) =>
      Effect.map(DateTime.now, (observedAt) => {
        const rate = BigDecimal.make(1_534_123_456_789n + ++count * 7n, 9)
        const id = RateId.make(`01980000-0000-7000-8000-${count.toString().padStart(12, "0")}`)
        return {
          rate: { id, pair, rate, provider: "test", observedAt },
          source: "memory" as const,
          stale: false
        }
      })
  })
}

const makeProcess = Effect.fnUntraced(function* (
  database: MemoryAudit.MemoryAudit,
  rates: Layer.Layer<Rates>
) {
  const services = Conversions.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Quotes.layerNoDeps, AuditLog.layerNoDeps)),
    Layer.provide([Pricing.layer, UnsealedRecords.layer]),
    Layer.provide([database.layer, rates, SecureRandom.layerWebCrypto, TestSettings.layer()])
  )
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const context = yield* Layer.buildWithScope(Layer.fresh(services), scope)
  return yield* Effect.gen(function* () {
    return { scope, conversions: yield* Conversions, quotes: yield* Quotes }
  }).pipe(Effect.provide(context))
})
type Process = Effect.Success<ReturnType<typeof makeProcess>>

const Answer = Schema.fromJsonString(
  Schema.Struct({
    audit_id: Schema.String,
    from_currency: Schema.String,
    to_currency: Schema.String,
    input_amount: Schema.String,
    output_amount: Schema.String,
    mid_rate: Schema.String,
    margin: Schema.String,
    rate: Schema.String,
    quote_id: Schema.optionalKey(QuoteId)
  })
)
const decode = Schema.decodeEffect(Answer)

/** Creates a record of the responses, which asserts that they are consistent. */
const makeResponseLog = () => {
  const byKey = new Map<string, string>()
  const byQuote = new Map<string, string>()
  const originals = new Set<string>()

  const record = Effect.fnUntraced(function* (request: Request, body: string, replayed: boolean) {
    const expected = byKey.get(request.key) ?? body
    assert.strictEqual(body, expected, "the same key returns the same response")
    byKey.set(request.key, body)
    const answer = yield* Effect.orDie(decode(body))
    assert.deepStrictEqual(
      violatedRules(answer, { amount: request.amount, amountType: "source", margin: MARGIN }),
      []
    )
    assert.strictEqual(answer.quote_id ?? null, request.quoteId)
    if (!replayed) {
      assert.isFalse(originals.has(request.key), "a key has one original response")
      originals.add(request.key)
    }
    if (request.quoteId === null) return
    const use = byQuote.get(request.quoteId) ?? answer.audit_id
    assert.strictEqual(answer.audit_id, use, "a quote is used once")
    byQuote.set(request.quoteId, use)
  })

  return { record, byKey }
}

/** Errors that a conversion may fail with during faults. */
const ALLOWED = new Set([
  "StoreUnavailable",
  "IdempotencyConflict",
  "IdempotencyMismatch",
  "QuoteUsed",
  "QuoteExpired"
])

const play = Effect.fnUntraced(function* (history: ReadonlyArray<Action>) {
  const database = MemoryAudit.make()
  const rates = makeRates()
  const responses = makeResponseLog()
  const processes = yield* Effect.forEach(Array.from({ length: PROCESSES }), () =>
    makeProcess(database, rates)
  )
  const quotes = new Map<number, { readonly id: QuoteId; readonly amount: string }>()
  const requests = new Map<string, Request>()
  const inProgress: Array<Fiber.Fiber<void>> = []
  const processAt = (index: number) => processes[index] ?? assert.fail("no such process")

  const convert = Effect.fnUntraced(function* ({ conversions }: Process, request: Request) {
    requests.set(JSON.stringify(request), request)
    const { amount, key, quoteId } = request
    const exit = yield* Effect.exit(
      conversions.convert(conversionRequest(amount, { quoteId, idempotencyKey: key }))
    )
    if (Exit.isSuccess(exit)) {
      yield* responses.record(request, CommittedConversion.toJson(exit.value), exit.value.replayed)
      return "done"
    }
    if (Exit.hasInterrupts(exit)) return "interrupted"
    const error = Option.getOrUndefined(Exit.findErrorOption(exit))
    if (error === undefined) return yield* Effect.failCause(exit.cause).pipe(Effect.orDie)
    assert.include(Array.from(ALLOWED), error._tag)
    return error._tag
  })

  const inBackground = (process: Process, work: Effect.Effect<unknown>) =>
    Effect.map(Effect.forkIn(Effect.asVoid(work), process.scope, { startImmediately: true }), (fiber) => {
      inProgress.push(fiber)
    })

  const act = Effect.fnUntraced(function* (action: Action) {
    switch (action[0]) {
      case "convert": {
        const amount = AMOUNTS[action[3]] ?? assert.fail()
        const process = processAt(action[1])
        return yield* inBackground(
          process,
          convert(process, { key: `key ${action[2]}`, amount, quoteId: null })
        )
      }
      case "by quote": {
        const quote = quotes.get(action[3])
        if (quote === undefined) return
        const process = processAt(action[1])
        const request = { key: `key ${action[2]} of ${quote.id}`, amount: quote.amount, quoteId: quote.id }
        return yield* inBackground(process, convert(process, request))
      }
      case "quote": {
        const amount = AMOUNTS[action[3]] ?? assert.fail()
        const process = processAt(action[1])
        const create = process.quotes.create(conversionRequest(amount), Duration.seconds(15))
        const kept = Effect.map(create, ({ id }) => void quotes.set(action[2], { id, amount }))
        return yield* inBackground(process, Effect.ignore(kept))
      }
      case "time":
        return yield* TestClock.adjust(action[1])
      case "store":
        return database.setMode(action[1])
      case "restart":
        yield* Scope.close(processAt(action[1]).scope, Exit.void)
        processes[action[1]] = yield* makeProcess(database, rates)
    }
  })

  yield* Effect.forEach(history, act, { discard: true })
  database.setMode("healthy")
  yield* TestClock.adjust("10 seconds")
  for (const fiber of inProgress) {
    const exit = fiber.pollUnsafe() ?? assert.fail("a conversion never ends")
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) yield* exit
  }
  // A retry in any process returns the outcome of the request.
  for (const request of requests.values()) {
    const outcomes = yield* Effect.forEach(processes, (process) => convert(process, request))
    assert.notInclude(outcomes, "StoreUnavailable")
    assert.strictEqual(outcomes[0], outcomes[1])
  }
  const returned = yield* Effect.forEach(responses.byKey.values(), (body) => Effect.orDie(decode(body)))
  assert.deepStrictEqual(
    database.records.map(({ audit_id }): string => audit_id).toSorted(),
    returned.map(({ audit_id }) => audit_id).toSorted(),
    "each record was returned, and each returned record is stored once"
  )
  yield* Effect.forEach(processes, ({ scope }) => Scope.close(scope, Exit.void))
}, Effect.scoped)

describe("Simulation of conversions in two processes", () => {
  it.effect.prop(
    "converts once per key and per quote, with exact numbers, under any history of faults",
    [Schema.Array(Action)],
    ([history]) => play(history),
    { arbitrary: { runs: SIMULATION_RUNS, size: 60, maxShrinks: 300 } }
  )
})

import { Clock, Effect, Option, Random } from "effect"
import * as AccountOperations from "./AccountOperations.ts"
import { ResponseChecks } from "./ResponseChecks.ts"
import { type Intent, ConversionModel, type OpenQuote, type AttemptOutcome } from "./ConversionModel.ts"
import { minorUnitOf, type Pair, PAIRS } from "./Currencies.ts"
import { codeOf } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import * as OrderOperations from "./OrderOperations.ts"
import { RateModel } from "./RateModel.ts"
import { Report } from "./Report.ts"
import * as Requests from "./Requests.ts"
import * as WalletOperations from "./WalletOperations.ts"
import { Harness } from "./Harness.ts"

/** Time that a worker retries an intent before it is left for the end of the soak. */
const RETRY_TIMEOUT_MILLIS = 10_000
const RETRY_PAUSE = "150 millis"

/** Operations of clients. `Random` alone determines the requests, never a response. */
export const make = Effect.gen(function* () {
  const { nodes } = yield* Harness
  const report = yield* Report
  const { anyNode, otherNode, send } = yield* Requests.make
  const accounts = yield* AccountOperations.make
  const wallets = yield* WalletOperations.make(accounts)
  const orders = yield* OrderOperations.make(accounts)
  const rates = yield* RateModel
  const conversions = yield* ConversionModel
  const checks = yield* ResponseChecks
  /** Intents whose outcome is unknown. */
  const unsettled = new Set<Intent>()

  const anyPair = Random.choice(PAIRS).pipe(Effect.orDie)

  const lookup = Effect.gen(function* () {
    const [node, pair, age] = [yield* anyNode, yield* anyPair, yield* Random.nextIntBetween(0, 12)]
    const name = node?.current()?.name ?? ""
    const floor = rates.floor(name, pair.key)
    const maxAgeMillis = age < 3 ? 1000 + age * 1500 : undefined
    const limit = maxAgeMillis === undefined ? "" : `&max_age=${maxAgeMillis}%20millis`
    const path = `/api/v1/rates?from=${pair.from}&to=${pair.to}${limit}`
    const response = yield* send(limit === "" ? "lookup" : "lookup with max_age", node, path)
    if (Option.isNone(response) || response.value.node !== name) return
    yield* rates.observeLookup({ node: name, pair: pair.key, floor, maxAgeMillis, response: response.value })
  })

  const listRates = Effect.gen(function* () {
    const [node, { from }] = [yield* anyNode, yield* anyPair]
    const response = yield* send("all rates", node, `/api/v1/rates/all?base=${from}`)
    if (Option.isSome(response)) yield* checks.rateList(response.value)
  })

  const makeIntent = Effect.fnUntraced(function* (name: string, pair: Pair) {
    const amountType = (yield* Random.nextIntBetween(0, 2)) === 0 ? "target" : "source"
    const digits = minorUnitOf(amountType === "source" ? pair.from : pair.to)
    const whole = yield* Random.nextIntBetween(10, 1_000_000)
    const cents = yield* Random.nextIntBetween(0, 99)
    const amount = digits === 0 ? String(whole) : `${whole}.${String(cents).padStart(digits, "0")}`
    const number = yield* Random.nextIntBetween(0, 2 ** 48)
    const reference = `${name} ${number.toString(36)}`
    const intent: Intent = { pair, amount, amountType, reference, key: `key ${reference}`, quote: undefined }
    return intent
  })

  const sendConversion = (name: string, node: Node | undefined, intent: Intent) =>
    send(name, node, "/api/v1/convert", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(intent.key === undefined ? {} : { "idempotency-key": intent.key })
      },
      body: bodyOf(intent)
    })

  /** Sends an intent once. */
  const attempt = Effect.fnUntraced(function* (name: string, node: Node | undefined, intent: Intent) {
    conversions.start(intent)
    const response = yield* sendConversion(name, node, intent)
    if (Option.isNone(response)) return "unknown" satisfies AttemptOutcome
    return yield* conversions.observe(intent, response.value)
  })

  /** Retries an intent on alternating nodes until its outcome is known. */
  const settle = Effect.fnUntraced(function* (
    name: string,
    node: Node | undefined,
    intent: Intent,
    timeoutMillis: number
  ) {
    unsettled.add(intent)
    const deadline = (yield* Clock.currentTimeMillis) + timeoutMillis
    let target = node
    while ((yield* attempt(name, target, intent)) === "unknown") {
      if ((yield* Clock.currentTimeMillis) > deadline) return
      yield* Effect.sleep(RETRY_PAUSE)
      target = otherNode(target)
    }
    unsettled.delete(intent)
  })

  const convert = Effect.gen(function* () {
    const [node, intent] = [yield* anyNode, yield* makeIntent("convert", yield* anyPair)]
    yield* settle("convert", node, intent, RETRY_TIMEOUT_MILLIS)
  })

  const convertWithoutKey = Effect.gen(function* () {
    const [node, intent] = [yield* anyNode, yield* makeIntent("no key", yield* anyPair)]
    yield* attempt("convert without a key", node, { ...intent, key: undefined })
  })

  /** Sends the same key to two nodes concurrently. */
  const convertConcurrently = Effect.gen(function* () {
    const [node, intent] = [yield* anyNode, yield* makeIntent("concurrent", yield* anyPair)]
    yield* Effect.forEach(
      [node, otherNode(node), node],
      (to) => settle("convert concurrently", to, { ...intent }, RETRY_TIMEOUT_MILLIS),
      { concurrency: "unbounded", discard: true }
    )
  })

  const replay = Effect.gen(function* () {
    const [node, at] = [yield* anyNode, yield* Random.next]
    const keyed = conversions.acknowledged().filter(({ intent }) => intent.key !== undefined)
    const known = keyed[Math.floor(at * keyed.length)]
    if (known !== undefined) yield* attempt("replay", node, known.intent)
  })

  /** Sends a used key with another amount. */
  const mismatch = Effect.gen(function* () {
    const [node, at] = [yield* anyNode, yield* Random.next]
    const keyed = conversions.acknowledged().filter(({ intent }) => intent.key !== undefined)
    const known = keyed[Math.floor(at * keyed.length)]
    if (known === undefined) return
    const response = yield* sendConversion("convert with a used key", node, { ...known.intent, amount: "1" })
    if (Option.isNone(response) || [408, 503].includes(response.value.status)) return
    if (["idempotency-mismatch", "idempotency-conflict"].includes(codeOf(response.value))) return
    const detail = `${known.text}, and with another amount: ${response.value.status} ${response.value.text}`
    yield* report.violation("a key is rejected with another request", detail)
  })

  /** Creates a quote and uses it from several clients concurrently. */
  const convertByQuote = Effect.gen(function* () {
    const [node, first] = [yield* anyNode, yield* makeIntent("quote", yield* anyPair)]
    const [clients, waitMillis] = [yield* Random.nextIntBetween(1, 3), yield* Random.nextIntBetween(0, 400)]
    const response = yield* send("quote", node, "/api/v1/quotes", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...JSON.parse(bodyOf({ ...first, quote: undefined })), ttl: "20 seconds" })
    })
    if (Option.isNone(response)) return
    const quote = yield* conversions.observeQuote(first, response.value)
    if (Option.isNone(quote)) return
    yield* Effect.sleep(waitMillis)
    yield* useQuote(node, first, quote.value, clients)
  })

  const useQuote = (node: Node | undefined, first: Intent, quote: OpenQuote, clients: number) =>
    Effect.forEach(
      Array.from({ length: clients }, (_, i) => i),
      (i) => {
        const reference = `${first.reference} client ${i}`
        const intent = { ...first, reference, key: `key ${reference}`, quote }
        return settle("convert by quote", i % 2 === 0 ? node : otherNode(node), intent, RETRY_TIMEOUT_MILLIS)
      },
      { concurrency: "unbounded", discard: true }
    )

  const readAudit = Effect.gen(function* () {
    const [node, at, kind] = [yield* anyNode, yield* Random.next, yield* Random.nextIntBetween(0, 2)]
    const all = conversions.acknowledged()
    const known = all[Math.floor(at * all.length)]
    if (known === undefined) return
    const path = `/api/v1/audit/conversions/${known.converted.audit_id}`
    if (kind === 0) {
      const response = yield* send("receipt", node, `${path}/receipt`)
      if (Option.isSome(response)) yield* checks.receipt(known, response.value)
    } else {
      const response = yield* send("audit record", node, path)
      if (Option.isSome(response)) yield* checks.record(known, response.value)
    }
  })

  const listAudit = Effect.gen(function* () {
    const [node, pair] = [yield* anyNode, yield* anyPair]
    const path = `/api/v1/audit/conversions?from=${pair.from}&to=${pair.to}&page_size=20`
    const response = yield* send("audit listing", node, path)
    if (Option.isSome(response)) yield* checks.auditPage(response.value)
  })

  const history = Effect.gen(function* () {
    const [node, pair] = [yield* anyNode, yield* anyPair]
    const path = `/api/v1/rates/history?from=${pair.from}&to=${pair.to}&interval=raw&page_size=20`
    const response = yield* send("history", node, path)
    if (Option.isSome(response)) yield* checks.history(pair, response.value)
  })

  const health = Effect.flatMap(anyNode, (node) => send("health", node, "/health/ready"))

  const settleRemaining = Effect.fnUntraced(function* (timeoutMillis: number) {
    const remaining = Array.from(unsettled)
    const settleOne = (intent: Intent) => settle("final retry", nodes[0], intent, timeoutMillis)
    yield* Effect.forEach(remaining, settleOne, { concurrency: 8, discard: true })
    for (const { key } of unsettled) {
      yield* report.violation("a retry succeeds after recovery", `${key} has no outcome`)
    }
    return remaining.length
  })

  const weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<unknown>]> = [
    [40, lookup],
    [5, listRates],
    [20, convert],
    [4, convertWithoutKey],
    [5, convertConcurrently],
    [6, replay],
    [2, mismatch],
    [8, convertByQuote],
    [5, readAudit],
    [2, listAudit],
    [2, history],
    [1, health],
    ...accounts.weighted,
    ...wallets.weighted,
    ...orders.weighted
  ]
  const any = chooseWeighted(weighted)
  return {
    any,
    settleRemaining,
    checkAccounts: accounts.check,
    checkOrders: orders.check,
    checkWallets: wallets.check
  }
})

/** Runs one of several operations, chosen by weight. */
const chooseWeighted = (
  weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<unknown>]>
) => {
  const total = weighted.reduce((sum, [weight]) => sum + weight, 0)
  return Effect.gen(function* () {
    let remaining = (yield* Random.next) * total
    for (const [weight, operation] of weighted) {
      remaining -= weight
      if (remaining >= 0) continue
      yield* operation
      return
    }
  })
}

const bodyOf = ({ amount, amountType, pair, quote, reference }: Intent) =>
  JSON.stringify({
    amount,
    from_currency: pair.from,
    to_currency: pair.to,
    amount_type: amountType,
    reference,
    ...(quote === undefined ? {} : { quote_id: quote.id })
  })

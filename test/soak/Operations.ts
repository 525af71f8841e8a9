import { Clock, Effect, Option, Random } from "effect"
import { Checks } from "./Checks.ts"
import { type Intent, ConversionModel, type OpenQuote, type Settled } from "./ConversionModel.ts"
import { minorUnitOf, type Pair, PAIRS } from "./Currencies.ts"
import { type Answer, ask, codeOf } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import { RateModel } from "./RateModel.ts"
import { type Outcome, Report } from "./Report.ts"
import { Harness } from "./Harness.ts"

/** How long a worker goes on with one intent before it leaves it for the quiet time at the end. */
const PATIENCE_MILLIS = 10_000
const PAUSE = "150 millis"

/** Everything that callers do. What they ask for is decided by `Random` alone, and never by what is answered. */
export const make = Effect.gen(function* () {
  const { nodes } = yield* Harness
  const report = yield* Report
  const rates = yield* RateModel
  const conversions = yield* ConversionModel
  const checks = yield* Checks
  /** Those of which it is not known yet what became of them. */
  const unsettled = new Set<Intent>()

  const anyNode = Effect.map(
    Random.nextIntBetween(0, nodes.length, { halfOpen: true }),
    (index) => nodes[index] ?? nodes[0]
  )
  const other = (node: Node | undefined) => nodes.find((one) => one !== node) ?? node
  const anyPair = Random.choice(PAIRS).pipe(Effect.orDie)

  /** Asks a node, or another one where it is not there, and counts how that ended. */
  const asked = Effect.fnUntraced(function* (
    name: string,
    node: Node | undefined,
    path: string,
    init?: RequestInit
  ) {
    const current = node?.current() ?? other(node)?.current()
    if (current === undefined) {
      report.operation(name, "lost", 0, "no node")
      return Option.none<Answer & { readonly node: string }>()
    }
    const answer = yield* ask(current.url, path, init)
    if (Option.isNone(answer)) {
      report.operation(name, "lost", 0)
      return Option.none<Answer & { readonly node: string }>()
    }
    const { endedAt, startedAt, status } = answer.value
    const outcome: Outcome = status < 400 ? "ok" : "refused"
    report.operation(name, outcome, endedAt - startedAt, outcome === "ok" ? undefined : codeOf(answer.value))
    if (status >= 500 && status !== 503) {
      const detail = `${current.name}: ${init?.method ?? "GET"} ${path}: ${status} ${answer.value.text}`
      yield* report.violation("nothing is answered with 500", detail)
    }
    return Option.some({ ...answer.value, node: current.name })
  })

  const lookup = Effect.gen(function* () {
    const [node, pair, age] = [yield* anyNode, yield* anyPair, yield* Random.nextIntBetween(0, 12)]
    const name = node?.current()?.name ?? ""
    const floor = rates.floor(name, pair.key)
    const maxAgeMillis = age < 3 ? 1000 + age * 1500 : undefined
    const limit = maxAgeMillis === undefined ? "" : `&max_age=${maxAgeMillis}%20millis`
    const path = `/api/v1/rates?from=${pair.from}&to=${pair.to}${limit}`
    const answer = yield* asked(limit === "" ? "lookup" : "lookup with max_age", node, path)
    if (Option.isNone(answer) || answer.value.node !== name) return
    yield* rates.lookup({ node: name, pair: pair.key, floor, maxAgeMillis, answer: answer.value })
  })

  const listRates = Effect.gen(function* () {
    const [node, { from }] = [yield* anyNode, yield* anyPair]
    const answer = yield* asked("all rates", node, `/api/v1/rates/all?base=${from}`)
    if (Option.isSome(answer)) yield* checks.rateList(answer.value)
  })

  const intent = Effect.fnUntraced(function* (name: string, pair: Pair) {
    const amountType = (yield* Random.nextIntBetween(0, 2)) === 0 ? "target" : "source"
    const digits = minorUnitOf(amountType === "source" ? pair.from : pair.to)
    const whole = yield* Random.nextIntBetween(10, 1_000_000)
    const cents = yield* Random.nextIntBetween(0, 99)
    const amount = digits === 0 ? String(whole) : `${whole}.${String(cents).padStart(digits, "0")}`
    const number = yield* Random.nextIntBetween(0, 2 ** 48)
    const reference = `${name} ${number.toString(36)}`
    const made: Intent = { pair, amount, amountType, reference, key: `key ${reference}`, quote: undefined }
    return made
  })

  const send = (name: string, node: Node | undefined, wanted: Intent) =>
    asked(name, node, "/api/v1/convert", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(wanted.key === undefined ? {} : { "idempotency-key": wanted.key })
      },
      body: bodyOf(wanted)
    })

  /** Sends an intent once. */
  const attempt = Effect.fnUntraced(function* (name: string, node: Node | undefined, wanted: Intent) {
    conversions.begun(wanted)
    const answer = yield* send(name, node, wanted)
    if (Option.isNone(answer)) return "unknown" satisfies Settled
    return yield* conversions.answered(wanted, answer.value)
  })

  /** Sends an intent again and again, to one node after another, until it is known what became of it. */
  const settle = Effect.fnUntraced(function* (
    name: string,
    node: Node | undefined,
    wanted: Intent,
    patienceMillis: number
  ) {
    unsettled.add(wanted)
    const deadline = (yield* Clock.currentTimeMillis) + patienceMillis
    let to = node
    while ((yield* attempt(name, to, wanted)) === "unknown") {
      if ((yield* Clock.currentTimeMillis) > deadline) return
      yield* Effect.sleep(PAUSE)
      to = other(to)
    }
    unsettled.delete(wanted)
  })

  const convert = Effect.gen(function* () {
    const [node, wanted] = [yield* anyNode, yield* intent("convert", yield* anyPair)]
    yield* settle("convert", node, wanted, PATIENCE_MILLIS)
  })

  const convertWithoutKey = Effect.gen(function* () {
    const [node, wanted] = [yield* anyNode, yield* intent("keyless", yield* anyPair)]
    yield* attempt("convert without a key", node, { ...wanted, key: undefined })
  })

  /** The same key at two nodes at the same moment. */
  const convertAtOnce = Effect.gen(function* () {
    const [node, wanted] = [yield* anyNode, yield* intent("at once", yield* anyPair)]
    yield* Effect.forEach(
      [node, other(node), node],
      (to) => settle("convert at once", to, { ...wanted }, PATIENCE_MILLIS),
      { concurrency: "unbounded", discard: true }
    )
  })

  const replay = Effect.gen(function* () {
    const [node, at] = [yield* anyNode, yield* Random.next]
    const keyed = conversions.acknowledged().filter((one) => one.intent.key !== undefined)
    const known = keyed[Math.floor(at * keyed.length)]
    if (known !== undefined) yield* attempt("convert again", node, known.intent)
  })

  /** A key that was used, with another amount. */
  const mismatch = Effect.gen(function* () {
    const [node, at] = [yield* anyNode, yield* Random.next]
    const keyed = conversions.acknowledged().filter((one) => one.intent.key !== undefined)
    const known = keyed[Math.floor(at * keyed.length)]
    if (known === undefined) return
    const answer = yield* send("convert otherwise", node, { ...known.intent, amount: "1" })
    if (Option.isNone(answer) || [408, 503].includes(answer.value.status)) return
    if (["idempotency-mismatch", "idempotency-conflict"].includes(codeOf(answer.value))) return
    const detail = `${known.text}, and with another amount: ${answer.value.status} ${answer.value.text}`
    yield* report.violation("a key is for one request only", detail)
  })

  /** A quote, and then some who want to use it at the same moment. */
  const convertByQuote = Effect.gen(function* () {
    const [node, first] = [yield* anyNode, yield* intent("quote", yield* anyPair)]
    const [callers, waits] = [yield* Random.nextIntBetween(1, 3), yield* Random.nextIntBetween(0, 400)]
    const answer = yield* asked("quote", node, "/api/v1/quotes", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...JSON.parse(bodyOf({ ...first, quote: undefined })), ttl: "20 seconds" })
    })
    if (Option.isNone(answer)) return
    const quote = yield* conversions.quoted(first, answer.value)
    if (Option.isNone(quote)) return
    yield* Effect.sleep(waits)
    yield* useQuote(node, first, quote.value, callers)
  })

  const useQuote = (node: Node | undefined, first: Intent, quote: OpenQuote, callers: number) =>
    Effect.forEach(
      Array.from({ length: callers }, (_, i) => i),
      (i) => {
        const reference = `${first.reference} caller ${i}`
        const wanted = { ...first, reference, key: `key ${reference}`, quote }
        return settle("convert by quote", i % 2 === 0 ? node : other(node), wanted, PATIENCE_MILLIS)
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
      const answer = yield* asked("receipt", node, `${path}/receipt`)
      if (Option.isSome(answer)) yield* checks.receipt(known, answer.value)
    } else {
      const answer = yield* asked("audit record", node, path)
      if (Option.isSome(answer)) yield* checks.record(known, answer.value)
    }
  })

  const listAudit = Effect.gen(function* () {
    const [node, pair] = [yield* anyNode, yield* anyPair]
    const path = `/api/v1/audit/conversions?from=${pair.from}&to=${pair.to}&page_size=20`
    const answer = yield* asked("audit listing", node, path)
    if (Option.isSome(answer)) yield* checks.auditPage(answer.value)
  })

  const history = Effect.gen(function* () {
    const [node, pair] = [yield* anyNode, yield* anyPair]
    const path = `/api/v1/rates/history?from=${pair.from}&to=${pair.to}&interval=raw&page_size=20`
    const answer = yield* asked("history", node, path)
    if (Option.isSome(answer)) yield* checks.history(pair, answer.value)
  })

  const health = Effect.flatMap(anyNode, (node) => asked("health", node, "/health/ready"))

  const settleRest = Effect.fnUntraced(function* (patienceMillis: number) {
    const rest = Array.from(unsettled)
    const settleOne = (wanted: Intent) => settle("convert at last", nodes[0], wanted, patienceMillis)
    yield* Effect.forEach(rest, settleOne, { concurrency: 8, discard: true })
    for (const { key } of unsettled) {
      yield* report.violation("a retry is answered once all is well", `${key} is not`)
    }
    return rest.length
  })

  const weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<unknown>]> = [
    [40, lookup],
    [5, listRates],
    [20, convert],
    [4, convertWithoutKey],
    [5, convertAtOnce],
    [6, replay],
    [2, mismatch],
    [8, convertByQuote],
    [5, readAudit],
    [2, listAudit],
    [2, history],
    [1, health]
  ]
  const any = chosen(weighted)
  return { any, settleRest }
})

/** One of several, each as often as its weight says. */
const chosen = (weighted: ReadonlyArray<readonly [weight: number, operation: Effect.Effect<unknown>]>) => {
  const total = weighted.reduce((sum, [weight]) => sum + weight, 0)
  return Effect.gen(function* () {
    let left = (yield* Random.next) * total
    for (const [weight, operation] of weighted) {
      left -= weight
      if (left >= 0) continue
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

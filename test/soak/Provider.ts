import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Random } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { PAIRS, type Pair, perDollar } from "./Currencies.ts"
import { units } from "./ExpectedNumbers.ts"

/** Ways in which the provider misbehaves. */
export const FAULTS = [
  "429",
  "500",
  "hang",
  "truncated",
  "zero",
  "negative",
  "nan",
  "inverted",
  "jump"
] as const
export type ProviderFault = (typeof FAULTS)[number]

/** A Flutterwave that remembers everything that it has truly said. */
export interface Provider {
  readonly baseUrl: string
  readonly misbehave: (fault: ProviderFault) => void
  readonly behave: () => void
  /** Whether it has ever said this rate of this pair, and meant it. */
  readonly hasSaid: (pair: string, rate: string) => boolean
  readonly requests: () => number
}

const DESTINATION_AMOUNT = 1_000_000n
/** The source amount has six decimals. */
const MICRO = 1_000_000n
/** The largest step between two answers, and how far a pair may wander in all, in parts per million. */
const STEP = 500
const RANGE = 20_000

/** Plays Flutterwave for as long as the scope is open. Its n-th answer about a pair depends on the seed alone. */
export const listen = Effect.fnUntraced(function* (seed: number) {
  let fault: ProviderFault | undefined
  let requests = 0
  const walks = new Map(yield* Effect.forEach(PAIRS, (pair) => makeWalk(seed, pair)))

  const answer = (url: string): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    requests++
    const query = new URL(url, "http://provider").searchParams
    const pair = `${query.get("source_currency")}:${query.get("destination_currency")}`
    const walk = walks.get(pair)
    if (walk === undefined) return Effect.succeed(refusal(400, `${pair} is not supported`))
    switch (fault) {
      case undefined:
        return Effect.sync(() => quotation(pair, walk.next()))
      case "hang":
        return Effect.never
      case "429":
        return Effect.succeed(
          HttpServerResponse.setHeader(refusal(429, "Too many requests"), "retry-after", "1")
        )
      case "500":
        return Effect.succeed(refusal(500, "Application error"))
      default:
        return Effect.succeed(quotation(pair, walk.last(), fault))
    }
  }

  const routes = HttpRouter.add(
    "GET",
    "/v3/transfers/rates",
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => answer(url))
  )
  const context = yield* HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(createServer, {
        host: "127.0.0.1",
        port: 0,
        gracefulShutdownTimeout: "100 millis"
      })
    ),
    Layer.build
  )
  const provider: Provider = {
    baseUrl: HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address),
    misbehave: (next) => {
      fault = next
    },
    behave: () => {
      fault = undefined
    },
    hasSaid: (pair, rate) => walks.get(pair)?.hasSaid(rate) ?? false,
    requests: () => requests
  }
  return provider
})

/** The source amounts that a pair's destination amount costs, in millionths: each is said once. */
const makeWalk = Effect.fnUntraced(function* (seed: number, pair: Pair) {
  const random = yield* Effect.service(Random.Random).pipe(Random.withSeed(`${seed} provider ${pair.key}`))
  const middle = (DESTINATION_AMOUNT * MICRO * perDollar(pair.from)) / perDollar(pair.to)
  const said = new Set<bigint>()
  let offset = 0
  let last = middle
  const walk = {
    next: () => {
      offset += Math.round((random.nextDoubleUnsafe() * 2 - 1) * STEP)
      offset = Math.max(-RANGE, Math.min(RANGE, offset))
      let amount = (middle * BigInt(1_000_000 + offset)) / 1_000_000n
      while (said.has(amount)) amount++
      said.add(amount)
      return (last = amount)
    },
    last: () => last,
    hasSaid: (rate: string) => said.has(sourceAmountOf(rate))
  }
  return [pair.key, walk] as const
})

/** The source amount, in millionths, from which a rate was computed: rates keep more digits than it has. */
const sourceAmountOf = (rate: string): bigint => {
  const one = units("1")
  return (2n * DESTINATION_AMOUNT * MICRO * one + units(rate)) / (2n * units(rate))
}

const refusal = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

/** What Flutterwave answers, or something that only looks like it. */
const quotation = (pair: string, source: bigint, fault?: ProviderFault) => {
  const [from, to] = pair.split(":")
  const stated = { jump: (source * 2n) / 3n, negative: -source, zero: 0n }
  const amount = written(
    fault === "jump" || fault === "negative" || fault === "zero" ? stated[fault] : source
  )
  const destination = DESTINATION_AMOUNT.toString()
  const wrongWayRound = written((DESTINATION_AMOUNT * DESTINATION_AMOUNT * MICRO * MICRO) / source)
  const sourceAmount = fault === "inverted" ? wrongWayRound : amount
  const rate = fault === "nan" ? `"NaN"` : rateField(sourceAmount)
  const text = `{"status":"success","message":"Transfer rates fetched","data":{"rate":${rate},"source":{"currency":"${from}","amount":${sourceAmount}},"destination":{"currency":"${to}","amount":${destination}}}}`
  return HttpServerResponse.text(fault === "truncated" ? text.slice(0, -20) : text, {
    contentType: "application/json"
  })
}

const written = (micros: bigint) => {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, "0")
  return `${micros < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`
}

/** Rounded to a few digits, as Flutterwave writes it. */
const rateField = (sourceAmount: string) => {
  const source = Number(sourceAmount)
  return source > 0 ? (Number(DESTINATION_AMOUNT) / source).toPrecision(6) : "0"
}

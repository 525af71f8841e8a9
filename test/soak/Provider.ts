import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Random } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import { PAIRS, type Pair, perDollar } from "./Currencies.ts"
import { units } from "./ExpectedNumbers.ts"

/** Faults of the provider. */
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

/** A fake Flutterwave that records every correct rate that it returned. */
export interface Provider {
  readonly baseUrl: string
  readonly startFault: (fault: ProviderFault) => void
  readonly endFault: () => void
  /** True if it returned this rate without a fault. */
  readonly hasReturned: (pair: string, rate: string) => boolean
  readonly requests: () => number
}

const DESTINATION_AMOUNT = 1_000_000n
/** Units per major unit: source amounts have six decimals. */
const MICRO = 1_000_000n
/** Largest change between two responses, and largest total change of a pair, in parts per million. */
const MAX_STEP_PPM = 500
const MAX_OFFSET_PPM = 20_000

/** Runs the fake Flutterwave for the lifetime of the scope. The n-th response for a pair depends only on the seed. */
export const listen = Effect.fnUntraced(function* (seed: number) {
  let fault: ProviderFault | undefined
  let requests = 0
  const walks = new Map(yield* Effect.forEach(PAIRS, (pair) => makeWalk(seed, pair)))

  const respond = (url: string): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
    requests++
    const query = new URL(url, "http://provider").searchParams
    const pair = `${query.get("source_currency")}:${query.get("destination_currency")}`
    const walk = walks.get(pair)
    if (walk === undefined) return Effect.succeed(errorResponse(400, `${pair} is not supported`))
    switch (fault) {
      case undefined:
        return Effect.sync(() => quotation(pair, walk.next()))
      case "hang":
        return Effect.never
      case "429":
        return Effect.succeed(
          HttpServerResponse.setHeader(errorResponse(429, "Too many requests"), "retry-after", "1")
        )
      case "500":
        return Effect.succeed(errorResponse(500, "Application error"))
      default:
        return Effect.succeed(quotation(pair, walk.last(), fault))
    }
  }

  const routes = HttpRouter.add(
    "GET",
    "/v3/transfers/rates",
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => respond(url))
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
    startFault: (next) => {
      fault = next
    },
    endFault: () => {
      fault = undefined
    },
    hasReturned: (pair, rate) => walks.get(pair)?.hasReturned(rate) ?? false,
    requests: () => requests
  }
  return provider
})

/** Random walk of a pair's source amount, in millionths. Each value occurs once. */
const makeWalk = Effect.fnUntraced(function* (seed: number, pair: Pair) {
  const random = yield* Effect.service(Random.Random).pipe(Random.withSeed(`${seed} provider ${pair.key}`))
  const start = (DESTINATION_AMOUNT * MICRO * perDollar(pair.from)) / perDollar(pair.to)
  const returned = new Set<bigint>()
  let offset = 0
  let last = start
  const walk = {
    next: () => {
      offset += Math.round((random.nextDoubleUnsafe() * 2 - 1) * MAX_STEP_PPM)
      offset = Math.max(-MAX_OFFSET_PPM, Math.min(MAX_OFFSET_PPM, offset))
      let amount = (start * BigInt(1_000_000 + offset)) / 1_000_000n
      while (returned.has(amount)) amount++
      returned.add(amount)
      return (last = amount)
    },
    last: () => last,
    hasReturned: (rate: string) => returned.has(sourceAmountOf(rate))
  }
  return [pair.key, walk] as const
})

/** Recovers the source amount, in millionths, from a rate, which has more digits than the amount. */
const sourceAmountOf = (rate: string): bigint => {
  const one = units("1")
  return (2n * DESTINATION_AMOUNT * MICRO * one + units(rate)) / (2n * units(rate))
}

const errorResponse = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

/** A response of Flutterwave, correct or with a fault. */
const quotation = (pair: string, source: bigint, fault?: ProviderFault) => {
  const [from, to] = pair.split(":")
  const wrongAmounts = { jump: (source * 2n) / 3n, negative: -source, zero: 0n }
  const amount = formatMicros(
    fault === "jump" || fault === "negative" || fault === "zero" ? wrongAmounts[fault] : source
  )
  const destination = DESTINATION_AMOUNT.toString()
  const inverted = formatMicros((DESTINATION_AMOUNT * DESTINATION_AMOUNT * MICRO * MICRO) / source)
  const sourceAmount = fault === "inverted" ? inverted : amount
  const rate = fault === "nan" ? `"NaN"` : rateField(sourceAmount)
  const text = `{"status":"success","message":"Transfer rates fetched","data":{"rate":${rate},"source":{"currency":"${from}","amount":${sourceAmount}},"destination":{"currency":"${to}","amount":${destination}}}}`
  return HttpServerResponse.text(fault === "truncated" ? text.slice(0, -20) : text, {
    contentType: "application/json"
  })
}

const formatMicros = (micros: bigint) => {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, "0")
  return `${micros < 0n ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`
}

/** The `rate` field, rounded to six digits like Flutterwave's. */
const rateField = (sourceAmount: string) => {
  const source = Number(sourceAmount)
  return source > 0 ? (Number(DESTINATION_AMOUNT) / source).toPrecision(6) : "0"
}

import { assert } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Schedule } from "effect"
import type { Duration } from "effect"
import * as ApiRequests from "./ApiRequests.ts"

/** A conversion requested with an idempotency key. */
export interface Operation {
  readonly amount: number
  /** First response; undefined while there is none. */
  readonly response: string | undefined
}

/** Statistics of one kind of request. */
export interface Statistics {
  readonly count: number
  readonly failed: number
  readonly p99Millis: number
}

interface Sample {
  readonly kind: "lookup" | "conversion"
  readonly at: number
  readonly millis: number
  readonly failed: boolean
}

/** Clients of a workload. */
export interface Load {
  readonly writers: number
  readonly readers: number
  /** Pause between two requests of a client. */
  readonly pause?: Duration.Input
  /** Called after each acknowledged conversion. */
  readonly onAcknowledged?: () => void
}

/** Outcome of retrying every operation. */
export interface SettledCounts {
  /** Acknowledged before; the retry returned the same response. */
  readonly acknowledged: number
  /** Executed before without a response. */
  readonly unacknowledged: number
  /** Not executed before. */
  readonly notExecuted: number
}

const PAIRS = ["NGN", "KES", "GHS", "ZAR"].map((to) => ["USD", to] as const)
const RETRIERS = 24

/**
 * Runs clients that convert and look up rates, and records all responses. The records outlive the servers and define what
 * must be stored afterwards. Idempotency keys begin with the name.
 */
export const make = (name: string) => {
  const operations = new Map<string, Operation>()
  /** Every received rate, by id. */
  const rates = new Map<string, string>()
  /** Responses that are wrong even during a fault. */
  const violations: Array<string> = []
  const samples: Array<Sample> = []
  /** Short reason of each failed request. */
  const failures: Array<string> = []

  const recordRate = (id: string, rate: string) => {
    const known = rates.get(id)
    if (known !== undefined && known !== rate) violations.push(`rate ${id} was ${known}, then ${rate}`)
    rates.set(id, rate)
  }

  const measure = Effect.fnUntraced(function* <A extends { readonly status: number }>(
    kind: Sample["kind"],
    request: Effect.Effect<A, ApiRequests.NoResponse>
  ) {
    const at = performance.now()
    const result = yield* Effect.result(request)
    const failed = Result.isFailure(result) || result.success.status !== 200
    samples.push({ kind, at, millis: performance.now() - at, failed })
    if (failed)
      failures.push(`${kind}: ${Result.isFailure(result) ? result.failure.message : result.success.status}`)
    return Result.getSuccess(result)
  })

  const acknowledge = (
    key: string,
    { amount, response }: Operation,
    { body, replayed }: ApiRequests.ConversionResponse
  ) => {
    if (response === undefined) {
      const received: { rate_id: string; mid_rate: string } = JSON.parse(body)
      recordRate(received.rate_id, received.mid_rate)
      operations.set(key, { amount, response: body })
    } else if (!replayed || response !== body) violations.push(`${key} was ${response}, then ${body}`)
  }

  /** Converts with a new or used key. Returns the response, if there is a complete one. */
  const convert = Effect.fnUntraced(function* (url: ApiRequests.ServerUrls, key: string, amount: number) {
    const operation = operations.get(key) ?? { amount, response: undefined }
    operations.set(key, operation)
    const response = yield* measure("conversion", ApiRequests.convert(url, key, operation.amount))
    if (Option.isSome(response)) {
      const { body, status } = response.value
      if (status === 200) acknowledge(key, operation, response.value)
      else if (status !== 503 && status !== 409) violations.push(`${key}: ${status} ${body}`)
    }
    return response
  })

  const lookup = Effect.fnUntraced(function* (
    url: ApiRequests.ServerUrls,
    [from, to]: readonly [string, string]
  ) {
    const response = yield* measure("lookup", ApiRequests.lookup(url, from, to))
    if (Option.isNone(response)) return
    const { body, status } = response.value
    if (status === 200) {
      const received: { rate_id: string; rate: string } = JSON.parse(body)
      recordRate(received.rate_id, received.rate)
    } else if (status !== 503) violations.push(`lookup: ${status} ${body}`)
  })

  /** Starts clients. `url` is called before each request. `stop` waits until all clients have ended. */
  const drive = Effect.fnUntraced(function* (
    url: () => ApiRequests.ServerUrls,
    { onAcknowledged = () => {}, pause = "1 millis", readers, writers }: Load
  ) {
    const state = { isRunning: true }
    const round = operations.size
    const write = Effect.fnUntraced(function* (writer: number) {
      for (let i = 1; state.isRunning; i++) {
        const response = yield* convert(url(), `${name} ${round}, writer ${writer}, ${i}`, i)
        if (Option.exists(response, ({ status }) => status === 200)) onAcknowledged()
        yield* Effect.sleep(pause)
      }
    })
    const read = Effect.fnUntraced(function* (reader: number) {
      for (let i = reader; state.isRunning; i++) {
        yield* lookup(url(), PAIRS[i % PAIRS.length] ?? assert.fail())
        yield* Effect.sleep(pause)
      }
    })
    const fiber = yield* Effect.forkScoped(
      Effect.all(
        [
          ...Array.from({ length: writers }, (_, w) => write(w)),
          ...Array.from({ length: readers }, (_, r) => read(r))
        ],
        { concurrency: "unbounded", discard: true }
      )
    )
    const stop = Effect.suspend(() => {
      state.isRunning = false
      return Fiber.join(fiber)
    })
    return { stop }
  })

  /** Retries every key until it succeeds. Acknowledged keys must return their first response. */
  const settle = Effect.fnUntraced(function* (url: ApiRequests.ServerUrls) {
    const counts = { acknowledged: 0, unacknowledged: 0, notExecuted: 0 }
    yield* Effect.forEach(
      Array.from(operations),
      Effect.fnUntraced(function* ([key, { amount, response }]) {
        const { replayed } = yield* untilSuccess(convert(url, key, amount))
        if (response !== undefined) counts.acknowledged++
        else if (replayed) counts.unacknowledged++
        else counts.notExecuted++
      }),
      { concurrency: RETRIERS, discard: true }
    )
    const settled: SettledCounts = counts
    return settled
  })

  /** Statistics of requests that started after a time of `performance.now()`. */
  const statistics = (kind: Sample["kind"], since = 0): Statistics => {
    const selected = samples.filter((sample) => sample.kind === kind && sample.at >= since)
    const millis = selected.map((sample) => sample.millis).toSorted((a, b) => a - b)
    return {
      count: selected.length,
      failed: selected.filter(({ failed }) => failed).length,
      p99Millis: Math.ceil(millis[Math.ceil(millis.length * 0.99) - 1] ?? 0)
    }
  }

  const acknowledged = () => Array.from(operations.values()).filter(({ response }) => response !== undefined)

  return { operations, rates, violations, failures, convert, drive, settle, statistics, acknowledged }
}

export type Workload = ReturnType<typeof make>

/** Retries until the fault is over. */
const untilSuccess = (
  convert: Effect.Effect<Option.Option<ApiRequests.ConversionResponse>>
): Effect.Effect<ApiRequests.ConversionResponse> =>
  convert.pipe(
    Effect.flatMap((response) =>
      Option.isSome(response) && response.value.status === 200
        ? Effect.succeed(response.value)
        : Effect.fail(response)
    ),
    Effect.retry({ while: isTransient, schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("2 minutes"),
    Effect.orDie
  )

const isTransient = (response: Option.Option<ApiRequests.ConversionResponse>) =>
  Option.match(response, { onNone: () => true, onSome: ({ status }) => status === 503 || status === 409 })

/** Prints the result of a test as one line. */
export const report = (line: string): Effect.Effect<void> =>
  Effect.sync(() => process.stdout.write(`${line}\n`))

/** Formats statistics. */
export const format = (kind: string, { count, failed, p99Millis }: Statistics): string =>
  `${count} ${kind}, ${failed} failed, p99 ${p99Millis} ms`

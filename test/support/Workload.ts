import { assert } from "@effect/vitest"
import { Effect, Fiber, Option, Result, Schedule } from "effect"
import type { Duration } from "effect"
import * as ApiRequests from "./ApiRequests.ts"

/** A conversion that was asked for under a key. */
export interface Operation {
  readonly amount: number
  /** What was answered first; none while nobody was told of its end. */
  readonly answer: string | undefined
}

/** How requests of one kind fared within some time. */
export interface Figures {
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

/** Who asks, and how eagerly. */
export interface Load {
  readonly writers: number
  readonly readers: number
  /** Between two requests of one of them. */
  readonly pause?: Duration.Input
  /** Called after each conversion that was acknowledged. */
  readonly onAcknowledged?: () => void
}

/** What the retries of everything that was asked for came to. */
export interface Settled {
  /** Those that had been answered, and were answered the same again. */
  readonly acknowledged: number
  /** Those that nobody had been told of, and that were done all the same. */
  readonly doneUntold: number
  /** Those that had not been done. */
  readonly notDone: number
}

const PAIRS = ["NGN", "KES", "GHS", "ZAR"].map((to) => ["USD", to] as const)
const RETRIERS = 24

/**
 * Clients that convert and look up, and a ledger of what they were told: it outlives the servers, and says what must be
 * there afterwards. Keys begin with the name.
 */
export const make = (name: string) => {
  const operations = new Map<string, Operation>()
  /** Every rate that an answer named, by its id. */
  const rates = new Map<string, string>()
  /** Answers that no fault excuses. */
  const violations: Array<string> = []
  const samples: Array<Sample> = []
  /** What went wrong, in short, of each request that failed. */
  const failures: Array<string> = []

  const note = (id: string, rate: string) => {
    const known = rates.get(id)
    if (known !== undefined && known !== rate) violations.push(`rate ${id} was ${known}, and then ${rate}`)
    rates.set(id, rate)
  }

  const timed = Effect.fnUntraced(function* <A extends { readonly status: number }>(
    kind: Sample["kind"],
    ask: Effect.Effect<A, ApiRequests.NoAnswer>
  ) {
    const at = performance.now()
    const answer = yield* Effect.result(ask)
    const failed = Result.isFailure(answer) || answer.success.status !== 200
    samples.push({ kind, at, millis: performance.now() - at, failed })
    if (failed)
      failures.push(`${kind}: ${Result.isFailure(answer) ? answer.failure.message : answer.success.status}`)
    return Result.getSuccess(answer)
  })

  const acknowledge = (
    key: string,
    { amount, answer }: Operation,
    { body, replayed }: ApiRequests.Converted
  ) => {
    if (answer === undefined) {
      const told: { rate_id: string; mid_rate: string } = JSON.parse(body)
      note(told.rate_id, told.mid_rate)
      operations.set(key, { amount, answer: body })
    } else if (!replayed || answer !== body) violations.push(`${key} was ${answer}, and then ${body}`)
  }

  /** Converts under a key, whether it was used before or not; the answer where there was a whole one. */
  const convert = Effect.fnUntraced(function* (url: ApiRequests.Where, key: string, amount: number) {
    const operation = operations.get(key) ?? { amount, answer: undefined }
    operations.set(key, operation)
    const answer = yield* timed("conversion", ApiRequests.convert(url, key, operation.amount))
    if (Option.isSome(answer)) {
      const { body, status } = answer.value
      if (status === 200) acknowledge(key, operation, answer.value)
      else if (status !== 503 && status !== 409) violations.push(`${key}: ${status} ${body}`)
    }
    return answer
  })

  const lookup = Effect.fnUntraced(function* (url: ApiRequests.Where, [from, to]: readonly [string, string]) {
    const answer = yield* timed("lookup", ApiRequests.lookup(url, from, to))
    if (Option.isNone(answer)) return
    const { body, status } = answer.value
    if (status === 200) {
      const told: { rate_id: string; rate: string } = JSON.parse(body)
      note(told.rate_id, told.rate)
    } else if (status !== 503) violations.push(`lookup: ${status} ${body}`)
  })

  /** Sets clients to work; the address is asked for before each request. The effect that is returned ends their work. */
  const drive = Effect.fnUntraced(function* (
    url: () => ApiRequests.Where,
    { onAcknowledged = () => {}, pause = "1 millis", readers, writers }: Load
  ) {
    const work = { goesOn: true }
    const round = operations.size
    const write = Effect.fnUntraced(function* (writer: number) {
      for (let i = 1; work.goesOn; i++) {
        const answer = yield* convert(url(), `${name} ${round}, writer ${writer}, ${i}`, i)
        if (Option.exists(answer, ({ status }) => status === 200)) onAcknowledged()
        yield* Effect.sleep(pause)
      }
    })
    const read = Effect.fnUntraced(function* (reader: number) {
      for (let i = reader; work.goesOn; i++) {
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
      work.goesOn = false
      return Fiber.join(fiber)
    })
    return { stop }
  })

  /** Retries every key until it is answered, and expects the first answer wherever one was given. */
  const settle = Effect.fnUntraced(function* (url: ApiRequests.Where) {
    const counts = { acknowledged: 0, doneUntold: 0, notDone: 0 }
    yield* Effect.forEach(
      Array.from(operations),
      Effect.fnUntraced(function* ([key, { amount, answer }]) {
        const { replayed } = yield* untilAnswered(convert(url, key, amount))
        if (answer !== undefined) counts.acknowledged++
        else if (replayed) counts.doneUntold++
        else counts.notDone++
      }),
      { concurrency: RETRIERS, discard: true }
    )
    const settled: Settled = counts
    return settled
  })

  /** How requests of a kind fared that began since a moment of `performance.now()`. */
  const figures = (kind: Sample["kind"], since = 0): Figures => {
    const some = samples.filter((sample) => sample.kind === kind && sample.at >= since)
    const millis = some.map((sample) => sample.millis).toSorted((a, b) => a - b)
    return {
      count: some.length,
      failed: some.filter(({ failed }) => failed).length,
      p99Millis: Math.ceil(millis[Math.ceil(millis.length * 0.99) - 1] ?? 0)
    }
  }

  const acknowledged = () => Array.from(operations.values()).filter(({ answer }) => answer !== undefined)

  return { operations, rates, violations, failures, convert, drive, settle, figures, acknowledged }
}

export type Workload = ReturnType<typeof make>

/** A retry is answered at the latest when the fault is over. */
const untilAnswered = (
  convert: Effect.Effect<Option.Option<ApiRequests.Converted>>
): Effect.Effect<ApiRequests.Converted> =>
  convert.pipe(
    Effect.flatMap((answer) =>
      Option.isSome(answer) && answer.value.status === 200
        ? Effect.succeed(answer.value)
        : Effect.fail(answer)
    ),
    Effect.retry({ while: isTransient, schedule: Schedule.spaced("100 millis") }),
    Effect.timeout("2 minutes"),
    Effect.orDie
  )

const isTransient = (answer: Option.Option<ApiRequests.Converted>) =>
  Option.match(answer, { onNone: () => true, onSome: ({ status }) => status === 503 || status === 409 })

/** Prints the figures of a test in one line. */
export const report = (line: string): Effect.Effect<void> =>
  Effect.sync(() => process.stdout.write(`${line}\n`))

/** Some figures, in words. */
export const inWords = (kind: string, { count, failed, p99Millis }: Figures): string =>
  `${count} ${kind}, ${failed} failed, p99 ${p99Millis} ms`

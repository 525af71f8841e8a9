import type { RequestFailed } from "./LoadClient.ts"

/** Kinds of requests of a run. */
export const OPERATIONS = ["lookup", "conversion", "transfer", "order", "stream"] as const
export type Operation = (typeof OPERATIONS)[number]

/** One request. */
export interface Sample {
  readonly operation: Operation
  /** When it was due, in milliseconds since the start of the run. */
  readonly dueAt: number
  /** From when it was due to the end of its response, in milliseconds. */
  readonly latency: number
  /** Undefined if it succeeded. */
  readonly failure: RequestFailed | undefined
}

/** Latencies of a set of requests, in milliseconds. */
export interface Latencies {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** Returns the smallest value that at least a part of the values, from 0 to 1, does not exceed. `sorted` must not be empty. */
export const percentile = (sorted: ReadonlyArray<number>, part: number): number =>
  sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? 0

/** Sorts latencies, for {@link percentile}. */
export const sortedLatencies = (samples: ReadonlyArray<Sample>): ReadonlyArray<number> =>
  samples.map(({ latency }) => latency).toSorted((a, b) => a - b)

/** Summarizes latencies. Undefined without samples. */
export const summarize = (samples: ReadonlyArray<Sample>): Latencies | undefined => {
  const sorted = sortedLatencies(samples)
  if (sorted.length === 0) return undefined
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    max: sorted.at(-1) ?? 0
  }
}

/** Requests that were due in one interval of a run. */
export interface Interval {
  /** Middle of the interval, in seconds since the start of the run. */
  readonly time: number
  readonly samples: ReadonlyArray<Sample>
}

/** Divides a run into intervals of `seconds`, by the times at which requests were due. */
export const intervals = (samples: ReadonlyArray<Sample>, seconds: number): ReadonlyArray<Interval> => {
  const groups = Map.groupBy(samples, ({ dueAt }) => Math.floor(dueAt / 1000 / seconds))
  return Array.from(groups)
    .toSorted(([a], [b]) => a - b)
    .map(([index, group]) => ({ time: (index + 0.5) * seconds, samples: group }))
}

/** Failed requests of one operation with the same reason. */
export interface FailureGroup {
  readonly operation: Operation
  /** Status and code. */
  readonly reason: string
  readonly count: number
  /** Detail of the first one. */
  readonly example: string
}

/** Groups failed requests by operation and reason, the most frequent first. */
export const groupFailures = (samples: ReadonlyArray<Sample>): ReadonlyArray<FailureGroup> => {
  const failed = samples.flatMap(({ failure, operation }) =>
    failure === undefined ? [] : [{ operation, reason: failure.reason, example: failure.detail }]
  )
  const groups = Map.groupBy(failed, ({ operation, reason }) => `${operation} ${reason}`)
  return Array.from(groups.values())
    .flatMap(([first, ...others]) => (first === undefined ? [] : [{ ...first, count: 1 + others.length }]))
    .toSorted((a, b) => b.count - a.count)
}

/** Codes of requests that a limit of the server refuses. */
const LIMITS: ReadonlySet<string> = new Set(["rate-limited", "limit-exceeded"])

/** Counts requests that failed for another reason than a limit of the server. */
export const countUnexpected = (samples: ReadonlyArray<Sample>): number =>
  samples.filter(({ failure }) => failure !== undefined && !LIMITS.has(failure.code)).length

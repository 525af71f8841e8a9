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
  /** Why it failed: the code of a problem, `http-502`, `timeout` or `connection`. Undefined if it succeeded. */
  readonly error: string | undefined
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

/** Counts failed requests by reason, the most frequent first. */
export const errorsByKind = (samples: ReadonlyArray<Sample>): ReadonlyArray<readonly [string, number]> =>
  Array.from(
    Map.groupBy(
      samples.flatMap(({ error }) => (error === undefined ? [] : [error])),
      (error) => error
    ),
    ([error, all]) => [error, all.length] as const
  ).toSorted(([, a], [, b]) => b - a)

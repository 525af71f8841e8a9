import type { LoadRequest } from "./Requests.ts"

/** Load on one server. */
export interface LoadOptions {
  readonly url: string
  /** Headers sent with every request. */
  readonly headers: Readonly<Record<string, string>>
  readonly requests: ReadonlyArray<LoadRequest>
  readonly connections: number
  readonly seconds: number
}

/** Throughput and response times in milliseconds. */
export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** Result of a load generator, including failed requests. */
export interface RawLoadResult extends LoadResult {
  readonly failures: number
}

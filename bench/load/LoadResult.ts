import type { LoadRequest } from "./Requests.ts"

/** What to ask of a server, and how hard. */
export interface LoadOptions {
  readonly url: string
  readonly requests: ReadonlyArray<LoadRequest>
  readonly connections: number
  readonly seconds: number
}

/** What came of it. Times are in milliseconds. */
export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** What a tool counted, failures among it. */
export interface Counted extends LoadResult {
  readonly failures: number
}

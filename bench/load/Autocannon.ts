import autocannon from "autocannon"
import { Effect } from "effect"
import type { Counted, LoadOptions } from "./LoadResult.ts"
import { shuffled } from "./Requests.ts"

/** autocannon, in this process. */
export const tool = {
  name: "autocannon",
  run: Effect.fnUntraced(function* ({ connections, requests, seconds, url }: LoadOptions) {
    const headers = { "content-type": "application/json" }
    const options = {
      url,
      connections,
      duration: seconds,
      requests: shuffled(requests).map((request) =>
        request.body === undefined ? request : { ...request, headers }
      )
    }
    const result = yield* Effect.promise(async () => autocannon(options))
    return {
      requestsPerSecond: result["2xx"] / result.duration,
      p50: result.latency.p50,
      p99: result.latency.p99,
      failures: result.errors + result.non2xx + result.timeouts
    } satisfies Counted
  })
}

import autocannon from "autocannon"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import type { LoadOptions, RawLoadResult } from "./LoadResult.ts"
import { shuffled } from "./Requests.ts"

/** Adds a new idempotency key. */
const withNewKey = (request: autocannon.Request): autocannon.Request => ({
  ...request,
  headers: { ...request.headers, "idempotency-key": randomUUID() }
})

/** Runs autocannon in this process. */
export const tool = {
  name: "autocannon",
  run: Effect.fnUntraced(function* ({ connections, headers, requests, seconds, url }: LoadOptions) {
    const options = {
      url,
      connections,
      duration: seconds,
      requests: shuffled(requests).map(({ isKeyed = false, ...request }) => ({
        ...request,
        headers: {
          ...headers,
          ...(request.body === undefined ? {} : { "content-type": "application/json" })
        },
        ...(isKeyed ? { setupRequest: withNewKey } : {})
      }))
    }
    const result = yield* Effect.promise(async () => autocannon(options))
    return {
      requestsPerSecond: result["2xx"] / result.duration,
      p50: result.latency.p50,
      p99: result.latency.p99,
      failures: result.errors + result.non2xx + result.timeouts
    } satisfies RawLoadResult
  })
}

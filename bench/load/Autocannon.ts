import autocannon from "autocannon"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import type { Counted, LoadOptions } from "./LoadResult.ts"
import { shuffled } from "./Requests.ts"

/** A request with a key that was not used before. */
const withKey = (request: autocannon.Request): autocannon.Request => ({
  ...request,
  headers: { ...request.headers, "idempotency-key": randomUUID() }
})

/** autocannon, in this process. */
export const tool = {
  name: "autocannon",
  run: Effect.fnUntraced(function* ({ connections, requests, seconds, url }: LoadOptions) {
    const headers = { "content-type": "application/json" }
    const options = {
      url,
      connections,
      duration: seconds,
      requests: shuffled(requests).map(({ isKeyed = false, ...request }) => ({
        ...request,
        ...(request.body === undefined ? {} : { headers }),
        ...(isKeyed ? { setupRequest: withKey } : {})
      }))
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

import autocannon from "autocannon"
import { Effect } from "effect"
import type { Counted, LoadOptions } from "./Load.ts"
import { shuffled } from "./Requests.ts"

const fire = ({
  requests,
  ...options
}: Omit<autocannon.Options, "requests"> & Pick<LoadOptions, "requests">) =>
  Effect.promise(async () =>
    autocannon({
      ...options,
      requests: shuffled(requests).map((request) => ({
        ...request,
        ...(request.body === undefined ? {} : { headers: { "content-type": "application/json" } })
      }))
    })
  )

const failuresOf = ({ errors, non2xx, timeouts }: autocannon.Result) => errors + non2xx + timeouts

/** autocannon, in this process. */
export const tool = {
  name: "autocannon",
  run: ({ connections, requests, seconds, url }: LoadOptions) =>
    Effect.map(fire({ url, requests, connections, duration: seconds }), (result): Counted => ({
      requestsPerSecond: result["2xx"] / result.duration,
      p50: result.latency.p50,
      p99: result.latency.p99,
      failures: failuresOf(result)
    }))
}

/** How long it takes until each of some clients has had some answers, one after the other, and what failed. */
export const complete = (options: Omit<LoadOptions, "seconds"> & { readonly requestsEach: number }) =>
  Effect.suspend(() => {
    const { connections, requests, requestsEach, url } = options
    const startedAt = performance.now()
    return Effect.map(fire({ url, requests, connections, amount: connections * requestsEach }), (result) => ({
      seconds: (performance.now() - startedAt) / 1_000,
      failures: failuresOf(result)
    }))
  })

import { Duration, Effect, Layer } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import type { HttpClientRequest } from "effect/http"

/** Maximum number of concurrent exports. Further exports are dropped, so that a slow collector cannot fill memory. */
const MAX_CONCURRENT_EXPORTS = 8

/** HTTP client for a collector that may be slow or unavailable: limits the duration and the number of exports. */
export const layer = (timeout: Duration.Duration) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      let inFlight = 0
      const release = Effect.sync(() => {
        inFlight--
      })
      return HttpClient.transform(client, (send, request) =>
        Effect.suspend(() => {
          if (inFlight >= MAX_CONCURRENT_EXPORTS) return failed(request, "too many concurrent exports")
          inFlight++
          return Effect.tap(send, (response) => Effect.ignore(response.arrayBuffer)).pipe(
            Effect.timeoutOrElse({
              duration: timeout,
              orElse: () => failed(request, `the collector did not answer within ${Duration.format(timeout)}`)
            }),
            Effect.ensuring(release)
          )
        })
      )
    })
  )

const failed = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  Effect.fail(
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({ request, description })
    })
  )

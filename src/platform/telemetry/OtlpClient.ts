import { type Duration, Effect, Layer } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import type { HttpClientRequest } from "effect/http"

/** How many exports may be under way at once: what a collector does not take is dropped, not kept. */
const MAX_EXPORTS = 8

/** A client for a collector that may be dead or slow: each export ends in time, and few of them wait. */
export const layer = (timeout: Duration.Duration) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      let underWay = 0
      const finished = Effect.sync(() => {
        underWay--
      })
      return HttpClient.transform(client, (send, request) =>
        Effect.suspend(() => {
          if (underWay >= MAX_EXPORTS) return failed(request, "too many exports are under way")
          underWay++
          return Effect.tap(send, (response) => Effect.ignore(response.arrayBuffer)).pipe(
            Effect.timeoutOrElse({
              duration: timeout,
              orElse: () => failed(request, "the collector did not answer in time")
            }),
            Effect.ensuring(finished)
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

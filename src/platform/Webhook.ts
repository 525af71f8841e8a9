import { Context, Duration, Effect, Layer, Redacted, Schema } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"

const REQUEST_TIMEOUT = Duration.seconds(10)

/** A request did not receive a response with status 200 to 299. The receiver may have processed it. */
export class WebhookFailed extends Schema.TaggedError<WebhookFailed>()("WebhookFailed", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/** Posts JSON to a URL. */
export class Webhook extends Context.Service<
  Webhook,
  {
    /** Waits at most 10 seconds for a response with status 200 to 299. */
    readonly post: (url: Redacted.Redacted, body: unknown) => Effect.Effect<void, WebhookFailed>
  }
>()("effex/platform/Webhook") {
  static readonly layer = Layer.effect(
    Webhook,
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient

      const post = Effect.fn("Webhook.post")((url: Redacted.Redacted, body: unknown) =>
        HttpClientRequest.post(Redacted.value(url)).pipe(
          HttpClientRequest.bodyJsonUnsafe(body),
          client.execute,
          Effect.mapError(
            ({ reason }) => new WebhookFailed({ reason: `the request failed: ${reason._tag}` })
          ),
          Effect.tap((response) => Effect.ignore(response.arrayBuffer)),
          Effect.timeoutOrElse({
            duration: REQUEST_TIMEOUT,
            orElse: () =>
              Effect.fail(
                new WebhookFailed({ reason: `no response within ${Duration.format(REQUEST_TIMEOUT)}` })
              )
          }),
          Effect.filterOrFail(
            ({ status }) => status >= 200 && status < 300,
            ({ status }) =>
              new WebhookFailed({ reason: `the response has the status ${status}; 200 to 299 is success` })
          ),
          Effect.asVoid,
          // The receiver must not see our trace ids.
          Effect.provideService(HttpClient.TracerPropagationEnabled, false),
          // Spans of the client have the URL, which may contain credentials.
          Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
        )
      )

      return Webhook.of({ post })
    })
  )
}

import { NodeHttpServer } from "@effect/platform-node"
import { Context, type Duration, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as FlutterwaveSandbox from "../../src/providers/FlutterwaveSandbox.ts"
import * as SandboxRates from "../../src/providers/SandboxRates.ts"

/** A Flutterwave with made-up rates that takes so long for each answer. Returns the settings that lead to it. */
export const listen = Effect.fnUntraced(function* (delay: Duration.Input) {
  const { routes } = FlutterwaveSandbox.make(SandboxRates.make("bench"))
  const slow = HttpRouter.addAll(
    routes.map(({ handler, method, path }) =>
      // Made at once, so that an answer that is due has only to be sent.
      HttpRouter.route(
        method,
        path,
        Effect.zipWith(handler, Effect.sleep(delay), (answer) => answer, { concurrent: true })
      )
    )
  )
  const context = yield* HttpRouter.serve(slow, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
    Layer.build,
    Effect.orDie
  )
  const { address } = Context.get(context, HttpServer.HttpServer)
  return {
    FLUTTERWAVE_BASE_URL: HttpServer.formatAddress(address),
    FLUTTERWAVE_SECRET_KEY: "any-key",
    ALLOW_ANONYMOUS_CONVERT: "true"
  }
})

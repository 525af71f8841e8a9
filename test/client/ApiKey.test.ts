import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { inspect } from "node:util"
import type { ConnectionOptions } from "../../src/client/Connection.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { connect } from "../../src/client/promise/Connect.ts"
import * as Callers from "../support/Callers.ts"
import { TestServer } from "../support/TestServer.ts"

const transports = {
  websocket: (options: ConnectionOptions) => EffexClient.layer(options),
  http: (options: ConnectionOptions) => EffexClient.layerHttp(options)
} as const

const conversion = { amount: "500.00", from: "USD", to: "NGN" }

const keyOf = ({ authorization = "" }: Callers.TestCaller) => authorization.replace(/^bearer /i, "")

/** API keys with the convert scope, without it, and revoked. */
const createKeys = Effect.gen(function* () {
  return {
    authorized: keyOf(yield* Callers.withScopes("convert")),
    readOnly: keyOf(yield* Callers.withScopes("rates:read")),
    revoked: keyOf((yield* Callers.invalid).at(-1) ?? Callers.ANONYMOUS)
  }
})

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })(
  "EffexClient with an API key",
  (it) => {
    for (const transport of ["websocket", "http"] as const) {
      const using = Effect.fnUntraced(function* <A, E>(
        apiKey: ConnectionOptions["apiKey"],
        use: (client: EffexClient["Service"]) => Effect.Effect<A, E>
      ) {
        const { url } = yield* TestServer
        const client = Layer.fresh(transports[transport]({ url, apiKey }))
        return yield* Effect.flatMap(EffexClient, use).pipe(Effect.provide(client), Effect.scoped)
      })

      it.effect(`has the permissions of its key over ${transport}`, () =>
        Effect.gen(function* () {
          const { authorized, readOnly, revoked } = yield* createKeys
          const converted = yield* using(Redacted.make(authorized), (client) => client.convert(conversion))
          assert.strictEqual(converted.inputAmount, "500.00")
          yield* using(authorized, (client) => client.createQuote(conversion))
          const errorCode = (apiKey: string | undefined) =>
            using(apiKey, (client) => Effect.flip(client.convert(conversion))).pipe(
              Effect.map(({ code }) => code)
            )
          assert.strictEqual(yield* errorCode(undefined), "unauthorized")
          assert.strictEqual(yield* errorCode(readOnly), "forbidden")
          assert.strictEqual(yield* errorCode(revoked), "unauthorized")
          assert.strictEqual((yield* using(readOnly, (client) => client.rate("USD", "NGN"))).from, "USD")
          const watched = using(revoked, (client) => Effect.flip(Stream.runHead(client.watch(["USD:NGN"]))))
          assert.strictEqual((yield* watched).code, "unauthorized")
          yield* using(readOnly, (client) => Stream.runHead(client.watch(["USD:NGN"])))
        })
      )

      it.effect(`does not reveal its key if the server is unreachable over ${transport}`, () =>
        Effect.gen(function* () {
          const { authorized } = yield* createKeys
          const options = {
            url: "http://127.0.0.1:1",
            apiKey: authorized,
            connectTimeout: "200 millis"
          } as const
          const client = Layer.fresh(transports[transport](options))
          const call = Effect.flatMap(EffexClient, ({ convert }) => Effect.flip(convert(conversion)))
          const error = yield* Effect.provide(call, client)
          assert.strictEqual(error.code, "unreachable")
          const rendered = `${inspect(error, { depth: 20 })}${JSON.stringify(error)}`
          assert.notInclude(rendered, authorized.slice(9, 30))
        })
      )
    }

    it.effect("also works with promises", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { authorized, readOnly, revoked } = yield* createKeys
        yield* Effect.promise(async () => {
          const converted = await connect(url, { apiKey: authorized }).convert(conversion)
          assert.strictEqual(converted.inputAmount, "500.00")
          const errorOf = (promise: Promise<unknown>) => promise.catch((thrown: unknown) => thrown)
          const forbidden = await errorOf(connect(url, { apiKey: readOnly }).convert(conversion))
          assert.deepInclude(forbidden, { code: "forbidden", status: 403, retryable: false })
          const watched = connect(url, { apiKey: revoked, transport: "sse" }).watch()
          const unauthorized = await errorOf(watched[Symbol.asyncIterator]().next())
          assert.deepInclude(unauthorized, { code: "unauthorized", status: 401, retryable: false })
        })
      })
    )

    it.effect("does not reveal its key with promises", () =>
      Effect.gen(function* () {
        const { authorized } = yield* createKeys
        yield* Effect.promise(async () => {
          const effex = connect("http://127.0.0.1:1", { apiKey: authorized })
          const error = await effex.convert(conversion).catch((thrown: unknown) => thrown)
          assert.deepInclude(error, { code: "unreachable", status: 0 })
          const rendered = `${inspect(error, { depth: 20 })}${JSON.stringify(error)}${inspect(effex)}`
          assert.notInclude(rendered, authorized.slice(9, 30))
        })
      })
    )
  }
)

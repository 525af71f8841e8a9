import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { inspect } from "node:util"
import type { ConnectionOptions } from "../../src/client/Connection.ts"
import { EffexClient } from "../../src/client/EffexClient.ts"
import { connect } from "../../src/client/PromiseClient.ts"
import * as Callers from "../support/Callers.ts"
import { TestServer } from "../support/TestServer.ts"

const transports = {
  websocket: (options: ConnectionOptions) => EffexClient.layer(options),
  http: (options: ConnectionOptions) => EffexClient.layerHttp(options)
} as const

const asked = { amount: "500.00", from: "USD", to: "NGN" }

const keyOf = ({ authorization = "" }: Callers.CallerKind) => authorization.replace(/^bearer /i, "")

const scopesOf = Effect.gen(function* () {
  return {
    holder: keyOf(yield* Callers.holderOf("convert")),
    narrow: keyOf(yield* Callers.holderOf("rates:read")),
    revoked: keyOf((yield* Callers.refused).at(-1) ?? Callers.NOBODY)
  }
})

layer(TestServer.layer({ FLUTTERWAVE_SECRET_KEY: "FLWSECK_TEST-1" }), { excludeTestServices: true })(
  "A client with a key",
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

      it.effect(`may do over ${transport} what its key may`, () =>
        Effect.gen(function* () {
          const { holder, narrow, revoked } = yield* scopesOf
          const converted = yield* using(Redacted.make(holder), (client) => client.convert(asked))
          assert.strictEqual(converted.inputAmount, "500.00")
          yield* using(holder, (client) => client.createQuote(asked))
          const refusal = (apiKey: string | undefined) =>
            using(apiKey, (client) => Effect.flip(client.convert(asked))).pipe(Effect.map(({ code }) => code))
          assert.strictEqual(yield* refusal(undefined), "unauthorized")
          assert.strictEqual(yield* refusal(narrow), "forbidden")
          assert.strictEqual(yield* refusal(revoked), "unauthorized")
          assert.strictEqual((yield* using(narrow, (client) => client.rate("USD", "NGN"))).from, "USD")
          const watched = using(revoked, (client) => Effect.flip(Stream.runHead(client.watch(["USD:NGN"]))))
          assert.strictEqual((yield* watched).code, "unauthorized")
          yield* using(narrow, (client) => Stream.runHead(client.watch(["USD:NGN"])))
        })
      )

      it.effect(`takes one with promises as well, over ${transport}`, () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const { holder, narrow } = yield* scopesOf
          yield* Effect.promise(async () => {
            await using effex = connect(url, { apiKey: holder, transport })
            assert.strictEqual((await effex.convert(asked)).inputAmount, "500.00")
            await using other = connect(url, { apiKey: narrow, transport })
            const error = await other.convert(asked).catch((thrown: unknown) => thrown)
            assert.deepInclude(error, { code: "forbidden", status: 403, retryable: false })
          })
        })
      )

      it.effect(`does not tell it where the server cannot be reached over ${transport}`, () =>
        Effect.gen(function* () {
          const { holder } = yield* scopesOf
          const options = { url: "http://127.0.0.1:1", apiKey: holder, connectTimeout: "200 millis" } as const
          const client = Layer.fresh(transports[transport](options))
          const ask = Effect.flatMap(EffexClient, ({ convert }) => Effect.flip(convert(asked)))
          const error = yield* Effect.provide(ask, client)
          assert.strictEqual(error.code, "unreachable")
          const told = `${inspect(error, { depth: 20 })}${JSON.stringify(error)}`
          assert.notInclude(told, holder.slice(9, 30))
        })
      )
    }
  }
)

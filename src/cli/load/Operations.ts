import { Effect, Option, Random, Schema } from "effect"
import { commandError } from "../CommandError.ts"
import type { LoadClient, RequestFailed } from "./LoadClient.ts"
import type { LoadUser } from "./LoadUsers.ts"
import type { Operation } from "./Samples.ts"

const Rates = Schema.fromJsonString(
  Schema.Struct({ rates: Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String })) })
)
const Prices = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ name: Schema.String, tradable: Schema.optionalKey(Schema.Boolean) }))
)

/** Reads what the server offers, and makes the function that performs an operation of a user. */
export const make = Effect.fnUntraced(function* (client: LoadClient, users: ReadonlyArray<LoadUser>) {
  const { send } = client
  const unexpected = () => commandError("The server answered in a way that this version does not understand")
  const rates = yield* send({ method: "GET", path: "/rates/all?base=USD" }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Rates)),
    Effect.catchTag("SchemaError", unexpected)
  )
  const prices = yield* send({ method: "GET", path: "/exchanges/crypto-currencies" }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Prices)),
    Effect.catchTag("SchemaError", unexpected)
  )
  const assets = prices.flatMap(({ name, tradable }) => (tradable === false ? [] : [name]))
  if (rates.rates.length === 0) return yield* commandError("The server has no rates of USD yet")

  const pick = <A>(items: ReadonlyArray<A>) =>
    Effect.flatMap(Random.nextIntBetween(0, items.length - 1), (index) =>
      Effect.fromOption(items[index] === undefined ? Option.none<A>() : Option.some(items[index]))
    ).pipe(Effect.orDie)

  const pair = Effect.map(pick(rates.rates), ({ from, to }) => ({ from, to }))

  const perform: Readonly<Record<Operation, (user: LoadUser) => Effect.Effect<unknown, RequestFailed>>> = {
    lookup: () =>
      Effect.flatMap(pair, ({ from, to }) => send({ method: "GET", path: `/rates?from=${from}&to=${to}` })),
    conversion: ({ access }) =>
      Effect.flatMap(pair, ({ from, to }) =>
        send({ method: "POST", path: "/accounts/wallet/convert", access, body: { from, to, amount: "2.00" } })
      ),
    transfer: ({ access, username }) =>
      Effect.flatMap(pick(users.filter((other) => other.username !== username)), (other) =>
        send({
          method: "POST",
          path: "/transfers",
          access,
          body: { to: other.username, asset: "USD", amount: "1.00" }
        })
      ),
    order: ({ access }) =>
      Effect.flatMap(pick(assets), (asset) =>
        send({ method: "POST", path: "/orders", access, body: { asset, side: "buy", notional: "12.00" } })
      ),
    stream: () =>
      Effect.flatMap(pair, ({ from, to }) =>
        client.awaitEvent(`/rates/stream?pairs=${from}:${to}`, "snapshot")
      )
  }
  return { perform, hasAssets: assets.length > 0 }
})

import { BigDecimal, Effect, Layer, Option, Redacted } from "effect"
import type { HttpClient, HttpServerError } from "effect/http"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import type { Database } from "../platform/postgres/Database.ts"
import * as Alpaca from "./alpaca/Alpaca.ts"
import { ExchangeClient, ExchangeRefused, ExchangeUnknown } from "./ExchangeClient.ts"
import * as SandboxExchange from "./sandbox/SandboxExchange.ts"
import * as SandboxOrderRepo from "./sandbox/SandboxOrderRepo.ts"

const SANDBOX_KEY = Redacted.make("sandbox")

/** Warns at the start if the exchange will accept no orders, before a user places one. */
const reportAccount = ({ account, name }: ExchangeClient["Service"]) =>
  Effect.matchEffect(account, {
    onSuccess: ({ blocked }) =>
      Option.match(blocked, {
        onNone: () => Effect.logInfo(`Orders are executed at ${name}`),
        onSome: (reason) => Effect.logWarning(`${name} accepts no orders: ${reason}`)
      }),
    onFailure: ({ detail, kind }) =>
      Effect.logWarning(
        `The account at ${name} could not be checked, so orders may fail: ${kind} (${detail})`
      )
  })

/** Alpaca at `ALPACA_BASE_URL`. */
const layerAlpaca: Layer.Layer<ExchangeClient, never, Settings | AssetCatalog | HttpClient.HttpClient> =
  Layer.effect(
    ExchangeClient,
    Effect.gen(function* () {
      const { alpacaBaseUrl, alpacaKeyId, alpacaSecretKey } = yield* Settings
      const exchange = yield* Alpaca.make({
        name: "alpaca",
        baseUrl: alpacaBaseUrl,
        keyId: Option.getOrElse(alpacaKeyId, () => Redacted.make("")),
        secretKey: Option.getOrElse(alpacaSecretKey, () => Redacted.make(""))
      })
      yield* Effect.forkScoped(reportAccount(exchange))
      return exchange
    })
  )

/** The sandbox exchange on a free local port, through the same adapter as Alpaca. Its orders are in PostgreSQL. */
const layerSandbox: Layer.Layer<
  ExchangeClient,
  HttpServerError.ServeError,
  AssetCatalog | Database | HttpClient.HttpClient
> = Layer.effect(
  ExchangeClient,
  Effect.gen(function* () {
    const orders = yield* SandboxOrderRepo.make
    const { apiUrl, sandbox } = yield* SandboxExchange.listen({ host: "127.0.0.1", port: 0, orders })
    yield* Effect.logInfo(`The sandbox exchange takes faults at ${sandbox.baseUrl}/faults`)
    return yield* Alpaca.make({
      name: "sandbox",
      baseUrl: apiUrl,
      keyId: SANDBOX_KEY,
      secretKey: SANDBOX_KEY
    })
  })
)

const off = new ExchangeRefused({
  exchange: "off",
  kind: "not-tradable",
  detail: "no exchange is configured; set EXCHANGE"
})

/** Orders of an exchange that was configured before may be open or filled: their outcome stays unknown. */
const outOfReach = new ExchangeUnknown({
  exchange: "off",
  kind: "unreachable",
  detail: "no exchange is configured; set EXCHANGE as it was when the order was submitted"
})

/** No exchange: nothing is tradable. */
const layerOff = Layer.succeed(
  ExchangeClient,
  ExchangeClient.of({
    name: "off",
    submit: () => off,
    find: () => outOfReach,
    cancel: () => off,
    terms: () => off,
    account: Effect.succeed({
      buyingPower: BigDecimal.make(0n, 0),
      blocked: Option.some("no exchange is configured")
    })
  })
)

/** The exchange of `EXCHANGE`. */
export const layer: Layer.Layer<
  ExchangeClient,
  HttpServerError.ServeError,
  Settings | AssetCatalog | Database | HttpClient.HttpClient
> = Layer.unwrap(
  Effect.map(
    Settings,
    ({
      exchange
    }): Layer.Layer<
      ExchangeClient,
      HttpServerError.ServeError,
      Settings | AssetCatalog | Database | HttpClient.HttpClient
    > => {
      switch (exchange) {
        case "alpaca":
          return layerAlpaca
        case "sandbox":
          return layerSandbox
        case "off":
          return layerOff
      }
    }
  )
)

import { BigDecimal, Effect, Layer, Option, Redacted } from "effect"
import type { HttpClient, HttpServerError } from "effect/http"
import type { AssetCatalog } from "../assets/AssetCatalog.ts"
import { Settings } from "../config/Settings.ts"
import type { Database } from "../platform/postgres/Database.ts"
import * as Alpaca from "./alpaca/Alpaca.ts"
import { ExchangeClient, ExchangeRefused } from "./ExchangeClient.ts"
import { SandboxExchange } from "./sandbox/SandboxExchange.ts"

const SANDBOX_KEY = Redacted.make("sandbox")

/** Alpaca at `ALPACA_BASE_URL`. */
export const layerAlpaca: Layer.Layer<
  ExchangeClient,
  never,
  Settings | AssetCatalog | HttpClient.HttpClient
> = Layer.effect(
  ExchangeClient,
  Effect.gen(function* () {
    const { alpacaBaseUrl, alpacaKeyId, alpacaSecretKey } = yield* Settings
    return yield* Alpaca.make({
      name: "alpaca",
      baseUrl: alpacaBaseUrl,
      keyId: Option.getOrElse(alpacaKeyId, () => Redacted.make("")),
      secretKey: Option.getOrElse(alpacaSecretKey, () => Redacted.make(""))
    })
  })
)

/** The sandbox exchange, through the same adapter as Alpaca. */
export const layerSandbox: Layer.Layer<
  ExchangeClient,
  never,
  SandboxExchange | AssetCatalog | HttpClient.HttpClient
> = Layer.effect(
  ExchangeClient,
  Effect.flatMap(SandboxExchange, ({ apiUrl }) =>
    Alpaca.make({ name: "sandbox", baseUrl: apiUrl, keyId: SANDBOX_KEY, secretKey: SANDBOX_KEY })
  )
)

const off = new ExchangeRefused({
  exchange: "off",
  kind: "not-tradable",
  detail: "no exchange is configured; set EXCHANGE"
})

/** No exchange: nothing is tradable. */
export const layerOff = Layer.succeed(
  ExchangeClient,
  ExchangeClient.of({
    name: "off",
    submit: () => off,
    find: () => Effect.succeedNone,
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
          return layerSandbox.pipe(Layer.provide(SandboxExchange.layer))
        case "off":
          return layerOff
      }
    }
  )
)

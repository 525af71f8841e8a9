import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Duration, Effect, Option, Redacted } from "effect"
import { Settings } from "../../config/Settings.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as AlpacaHttp from "../../exchanges/alpaca/AlpacaHttp.ts"
import * as AlpacaTerms from "../../exchanges/alpaca/AlpacaTerms.ts"
import type { UnknownKind } from "../../exchanges/ExchangeClient.ts"
import { failed, ok, warning } from "./CheckResult.ts"

const CHECK = "exchange"
/** Money that orders at Alpaca's own addresses move. */
const MONEY: Readonly<Record<string, string>> = {
  "paper-api.alpaca.markets": "simulated money",
  "api.alpaca.markets": "real money"
}
/** Shorter than the timeout of a check, so that its advice is shown. */
const TIMEOUT = Duration.seconds(6)

/** Checks that the exchange accepts the credentials and orders of the account. */
export const run = Effect.gen(function* () {
  const { exchange } = yield* Settings
  switch (exchange) {
    case "off":
      return [ok(CHECK, "off: orders are refused")]
    case "sandbox":
      return [
        warning(
          CHECK,
          "the built-in sandbox is used; its orders are not real",
          "Set EXCHANGE, or ALPACA_KEY_ID"
        )
      ]
    case "alpaca":
      return [yield* checkAlpaca]
  }
})

/** Describes the money of an address of Alpaca's API. */
export const moneyOf = (baseUrl: string): string => {
  const { host, hostname } = new URL(baseUrl)
  return MONEY[hostname] ?? `the money of ${host}, which is not an address of Alpaca`
}

const checkAlpaca = Effect.gen(function* () {
  const { alpacaBaseUrl: baseUrl, alpacaKeyId, alpacaSecretKey } = yield* Settings
  const { get, unknown } = yield* AlpacaHttp.make({
    name: "alpaca",
    baseUrl,
    keyId: Option.getOrElse(alpacaKeyId, () => Redacted.make("")),
    secretKey: Option.getOrElse(alpacaSecretKey, () => Redacted.make(""))
  })
  return yield* get("account", AlpacaTerms.readAccount).pipe(
    Effect.timeoutOrElse({
      duration: TIMEOUT,
      orElse: () => Effect.fail(unknown("timeout", `no response within ${Duration.format(TIMEOUT)}`))
    }),
    Effect.map(({ blocked, buyingPower }) =>
      Option.match(blocked, {
        onNone: () =>
          ok(
            CHECK,
            `alpaca trades with ${moneyOf(baseUrl)}; ${Decimal.format(buyingPower)} US dollars can be spent`
          ),
        onSome: (reason) =>
          failed(CHECK, `alpaca accepts no orders: ${reason}`, "Look at the account in Alpaca's dashboard")
      })
    ),
    Effect.catchTag("ExchangeUnknown", ({ detail, kind }) =>
      Effect.succeed(failed(CHECK, `alpaca: ${kind} (${detail})`, adviceOn(kind)))
    )
  )
}).pipe(Effect.provide(NodeHttpClient.layerUndici))

const adviceOn = (kind: UnknownKind) => {
  switch (kind) {
    case "unauthorized":
      return "Check ALPACA_KEY_ID and ALPACA_SECRET_KEY. Simulated and real money have different keys: they must belong to ALPACA_BASE_URL"
    case "timeout":
    case "unreachable":
      return "Check ALPACA_BASE_URL, DNS, and firewalls or proxies in between"
    case "malformed":
      return "Check ALPACA_BASE_URL; the answer is not one of Alpaca's trading API"
    default:
      return "If the URL is right, Alpaca has a problem; see its status page"
  }
}

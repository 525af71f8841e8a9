import { BigDecimal, Effect } from "effect"
import type { AssetCode as AssetCodeType } from "../../../src/domain/money/Asset.ts"
import { AssetCode } from "../../../src/domain/money/Asset.ts"
import type { NewExchangeOrder } from "../../../src/exchanges/ExchangeClient.ts"
import * as ScriptedServer from "../../support/ScriptedServer.ts"
import * as TestExchange from "../../support/TestExchange.ts"
import { CLIENT_ORDER_ID } from "./AlpacaAnswers.ts"

/** Connects the adapter to a server with scripted answers. */
export const start = Effect.fnUntraced(function* (...script: ReadonlyArray<ScriptedServer.Respond>) {
  const server = yield* ScriptedServer.listen(...script)
  return { ...server, ...(yield* TestExchange.connect(server.url)) }
})

export const code = (text: string): AssetCodeType => AssetCode.make(text)

/** An order with the id of the documented answers. */
export const newOrder = (
  asset: string,
  amount: string,
  side: "buy" | "sell" = "buy",
  clientOrderId = CLIENT_ORDER_ID
): NewExchangeOrder => ({
  clientOrderId,
  asset: code(asset),
  side,
  amount: BigDecimal.fromStringUnsafe(amount)
})

/** An error of Alpaca. */
export const failure = (
  status: number,
  code: number,
  message: string,
  headers: Readonly<Record<string, string>> = {}
) => ScriptedServer.json(status, { code, message }, headers)

/** An answer that does not come from Alpaca's API. */
export const page =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): ScriptedServer.Respond =>
  (response) =>
    response.writeHead(status, { "content-type": "text/html", ...headers }).end(body)

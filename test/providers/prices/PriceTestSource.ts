import { Effect } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { AssetCode, type AssetKind } from "../../../src/domain/money/Asset.ts"
import { type PriceSymbol, PriceSymbols } from "../../../src/providers/PriceSymbols.ts"
import type { ProviderDependencies, RateSource } from "../../../src/providers/RateSource.ts"
import { connect } from "../ProviderTestClient.ts"
import * as StubServer from "../StubServer.ts"

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** Symbols of assets of one kind, by code. */
export const symbolsOf = (kind: AssetKind, symbols: Readonly<Record<string, string>>) =>
  new Map(
    Object.entries(symbols).map(([code, symbol]): [AssetCode, PriceSymbol] => [
      AssetCode.make(code),
      { kind, symbol, isPolled: true }
    ])
  )

/** Connects a source to a server that answers with `answer`. Keeps every request. */
export const start = Effect.fnUntraced(function* (options: {
  readonly symbols: ReadonlyMap<AssetCode, PriceSymbol>
  readonly answer: (url: URL) => Answer
  readonly env: (baseUrl: string) => Readonly<Record<string, string>>
  readonly make: Effect.Effect<RateSource["Service"], never, ProviderDependencies>
}) {
  const requests: Array<{ readonly url: URL; readonly headers: IncomingMessage["headers"] }> = []
  const baseUrl = yield* StubServer.listen((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "", "http://localhost")
    requests.push({ url, headers: request.headers })
    const { body, headers = {}, status = 200 } = options.answer(url)
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body)
  })
  const catalogue = {
    kindOf: (code: AssetCode) => options.symbols.get(code)?.kind ?? ("currency" as const),
    ofProvider: () => options.symbols
  }
  const client = yield* connect(
    baseUrl,
    options.env(baseUrl),
    Effect.provideService(options.make, PriceSymbols, catalogue)
  )
  return {
    ...client,
    requests,
    price: (code: string) => client.rate(code, "USD"),
    reasonOf: (code: string) => Effect.map(Effect.flip(client.rate(code, "USD")), ({ reason }) => reason)
  }
})

import type { Examples } from "./Example.ts"

const BITCOIN = {
  code: "BTC",
  name: "Bitcoin",
  kind: "crypto",
  decimals: 8,
  tradable: true,
  minimum_order: null,
  state: "listed"
}

const CATALOG_BITCOIN = {
  ...BITCOIN,
  provider_symbols: { coingecko: "bitcoin" },
  exchange_symbol: "BTC/USD",
  version: 1,
  changed_at: "2026-11-30T02:09:51.870Z",
  changed_by: "sandbox"
}

const ALLSTATE = {
  code: "ALL.US",
  name: "Allstate",
  kind: "stock",
  decimals: 9,
  tradable: true,
  minimum_order: "0.001",
  state: "listed",
  provider_symbols: { massive: "ALL" },
  exchange_symbol: "ALL",
  version: 1,
  changed_at: "2026-11-30T02:12:40.118Z",
  changed_by: "anonymous"
}

/** Examples of assets, prices and the board. */
export const AssetExamples: Examples = {
  "assets.list": {
    parameters: { kind: "crypto" },
    response: { assets: [BITCOIN] }
  },
  "exchanges.cryptoCurrencies": {
    response: [
      {
        name: "BTC",
        price: "50000.00",
        currency: "USD",
        as_of: "2026-11-30T02:09:52.401Z",
        stale: false,
        change_24h: "-0.0123",
        full_name: "Bitcoin",
        tradable: true
      }
    ]
  },
  "exchanges.stocks": {
    response: [
      {
        name: "AAPL",
        price: "250.00",
        currency: "USD",
        as_of: "2026-11-30T02:09:52.401Z",
        stale: false,
        change_24h: null,
        full_name: "Apple",
        tradable: true
      }
    ]
  },
  "exchanges.board": {
    parameters: { base: "USD", points: "3" },
    response: {
      base: "USD",
      times: ["2026-11-29T02:10:00.000Z", "2026-11-29T14:10:00.000Z", "2026-11-30T02:10:00.000Z"],
      pairs: [
        {
          from: "USD",
          to: "NGN",
          rate: "1528.0351515",
          rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
          provider: "sandbox",
          fetched_at: "2026-11-30T02:09:52.415Z",
          stale: false,
          change_24h: "0.0004",
          series: ["1527.4240928", "1527.9", "1528.0351515"],
          margin: "0.005",
          polled: true
        }
      ]
    }
  },
  "adminAssets.asset": {
    parameters: { code: "BTC" },
    response: CATALOG_BITCOIN
  },
  "adminAssets.change": {
    parameters: { code: "ALL.US" },
    request: {
      kind: "stock",
      name: "Allstate",
      decimals: 9,
      minimum_order: "0.001",
      provider_symbols: { massive: "ALL" },
      exchange_symbol: "ALL"
    },
    response: ALLSTATE
  },
  "adminAssets.delist": {
    parameters: { code: "ALL.US" },
    response: { ...ALLSTATE, state: "delisted", version: 2 }
  },
  "adminAssets.changes": {
    parameters: { code: "BTC" },
    response: { data: [{ from: null, to: CATALOG_BITCOIN }], has_more: false, next: null }
  }
}

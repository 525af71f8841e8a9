import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import { CALL_OPTIONS, type CallOptions, send, sendForList, type ServerAccess } from "../Requests.ts"
import type { Asset, AssetKind, AssetPrice, Board } from "../Values.ts"

export interface BoardOptions extends CallOptions {
  /** The first code of the pairs. Default: USD. */
  readonly base?: string | undefined
  /** Number of rates in each series, 2 to 96. Default: 24. */
  readonly points?: number | undefined
}

/** Calls that read assets and their prices. */
export interface AssetCalls {
  /** Lists the assets that can be held and priced, or only those of one kind. */
  assets(kind?: AssetKind, options?: CallOptions): Promise<ReadonlyArray<Asset>>
  /** Lists the prices of cryptocurrencies. */
  cryptoPrices(options?: CallOptions): Promise<ReadonlyArray<AssetPrice>>
  /** Lists the prices of stocks. */
  stockPrices(options?: CallOptions): Promise<ReadonlyArray<AssetPrice>>
  /** Returns every pair of a base, with its change in 24 hours and a series of rates. */
  board(options?: BoardOptions): Promise<Board>
}

/** Makes the calls that read assets and prices. */
export const make = (access: ServerAccess): AssetCalls => {
  const prices = async (name: string, path: string, options: CallOptions) => {
    Options.requireKnown(name, options, CALL_OPTIONS)
    const list = await sendForList(access, { path: `/api/v1/exchanges/${path}` }, options)
    return Json.decode<ReadonlyArray<AssetPrice>>(list)
  }
  return {
    async assets(kind, options = {}) {
      Options.requireKnown("assets", options, CALL_OPTIONS)
      const query = { kind: Options.oneOf("kind", kind, ["currency", "crypto", "stock"]) }
      const { assets } = await send(access, { path: "/api/v1/assets", query }, "assets", options)
      return Json.decode<ReadonlyArray<Asset>>(assets)
    },
    cryptoPrices: (options = {}) => prices("cryptoPrices", "crypto-currencies", options),
    stockPrices: (options = {}) => prices("stockPrices", "stocks", options),
    async board(options = {}) {
      Options.requireKnown("board", options, ["base", "points", ...CALL_OPTIONS])
      const { base, points } = options
      const query = {
        base: base === undefined ? undefined : Options.currency("base", base),
        points: points === undefined ? undefined : pointsText(points)
      }
      return Json.decode<Board>(await send(access, { path: "/api/v1/board", query }, "pairs", options))
    }
  }
}

const pointsText = (points: number) => {
  if (Number.isInteger(points) && points >= 2 && points <= 96) return String(points)
  throw Options.invalid("points", "a whole number from 2 to 96", points)
}

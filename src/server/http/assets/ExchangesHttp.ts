import { createHash } from "node:crypto"
import { DateTime, Duration, Effect, Option, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../../api/Api.ts"
import { Board } from "../../../api/assets/BoardMessage.ts"
import { AssetCatalog } from "../../../assets/AssetCatalog.ts"
import { Settings } from "../../../config/Settings.ts"
import type { PricedKind } from "../../../domain/assets/CatalogAsset.ts"
import { marginOf } from "../../../domain/conversion/Margins.ts"
import * as Asset from "../../../domain/money/Asset.ts"
import * as Decimal from "../../../domain/money/Decimal.ts"
import { PRICE_CURRENCY } from "../../../domain/money/SupportedPairs.ts"
import * as MonotonicClock from "../../../platform/MonotonicClock.ts"
import { changeOf, RateSamples } from "../../../rates/history/RateSamples.ts"
import { Rates } from "../../../rates/lookup/Rates.ts"
import * as ETag from "../../encoding/ETag.ts"
import * as RateEncoding from "../../encoding/RateEncoding.ts"
import * as Problems from "../../middleware/Problems.ts"
import { RateRequests } from "../RateRequests.ts"

const DEFAULT_BASE = "USD"
const DEFAULT_POINTS = 24
/** Decimals that a price has at least: those of the older API. */
const PRICE_DECIMALS = 2

/** Time for which an encoded board is sent again. */
const BOARD_MAX_AGE = Duration.seconds(5)
/** Number of encoded boards in memory. The oldest is evicted first. */
const MAX_BOARDS = 100

interface EncodedBoard {
  readonly text: string
  readonly etag: string
  readonly encodedAt: number
}

/** Handlers of the prices and of the board. */
export const layer = HttpApiBuilder.group(
  Api,
  "exchanges",
  Effect.fn(function* (handlers) {
    const { margins } = yield* Settings
    const catalog = yield* AssetCatalog
    const rates = yield* Rates
    const requests = yield* RateRequests
    const samples = yield* RateSamples
    const boards = new Map<string, EncodedBoard>()

    const pricesOf = Effect.fnUntraced(function* (kind: PricedKind) {
      const listed = new Map(
        catalog
          .list(kind)
          .flatMap((asset) => (asset.state === "listed" ? [[asset.code as string, asset] as const] : []))
      )
      const known = (yield* rates.list(Option.none())).flatMap((found) => {
        const { from, to } = found.rate.pair
        const asset = listed.get(from)
        return asset === undefined || to !== PRICE_CURRENCY ? [] : [{ ...found, asset }]
      })
      const pairs = known.map(({ rate }) => rate.pair)
      const day = yield* samples.ofDay(`${kind} ${catalog.revision()}`, pairs, 2)
      return known.map(({ asset, rate, stale }) => ({
        name: asset.code,
        price: Decimal.padDecimals(Decimal.format(rate.rate), PRICE_DECIMALS),
        currency: rate.pair.to,
        as_of: rate.observedAt,
        stale,
        change_24h: changeOf(day, rate.pair, rate.rate),
        full_name: asset.name,
        tradable: asset.tradable
      }))
    }, Effect.catchTags(Problems.storeErrors))

    const encodeBoard = Effect.fnUntraced(function* (code: string, points: number) {
      const { base, rates: found } = yield* requests.list(code)
      const pairs = found.map(({ rate }) => rate.pair)
      const day = yield* samples.ofDay(`board ${base}`, pairs, points)
      const now = yield* DateTime.now
      const text = encode({
        base: base ?? PRICE_CURRENCY,
        times: [...day.times, now],
        pairs: found.map((latest) => ({
          ...RateEncoding.toMessage(latest),
          change24h: changeOf(day, latest.rate.pair, latest.rate.rate),
          series: [...(day.byPair.get(latest.rate.pair.key) ?? day.times.map(() => null)), latest.rate.rate],
          margin: Decimal.format(marginOf(margins, latest.rate.pair.key)),
          polled: catalog.pairs.isPolled(latest.rate.pair)
        }))
      })
      const etag = ETag.make(createHash("sha256").update(text).digest("base64url").slice(0, 22))
      return { text, etag, encodedAt: yield* MonotonicClock.millis } satisfies EncodedBoard
    })

    const board = Effect.fnUntraced(function* (code: string, points: number) {
      // Only a valid code is written in another case: the capital of a long s is the letter S.
      const base = Option.getOrElse(Asset.parseCode(code), () => code)
      const key = `${base} ${points}`
      const known = boards.get(key)
      if (
        known !== undefined &&
        (yield* MonotonicClock.millis) - known.encodedAt < Duration.toMillis(BOARD_MAX_AGE)
      )
        return known
      const encoded = yield* encodeBoard(code, points)
      boards.delete(key)
      boards.set(key, encoded)
      const [oldest] = boards.keys()
      if (boards.size > MAX_BOARDS && oldest !== undefined) boards.delete(oldest)
      return encoded
    })

    return handlers
      .handleRaw(
        "board",
        Effect.fnUntraced(function* ({ query, request }) {
          const { etag, text } = yield* board(query.base ?? DEFAULT_BASE, query.points ?? DEFAULT_POINTS)
          return respond(request, etag, text)
        })
      )
      .handle("cryptoCurrencies", () => pricesOf("crypto"))
      .handle("stocks", () => pricesOf("stock"))
  })
)

const encode = Schema.encodeSync(Schema.fromJsonString(Board))

const respond = (request: HttpServerRequest.HttpServerRequest, etag: string, text: string) => {
  const headers = { etag, "cache-control": `max-age=${Duration.toSeconds(BOARD_MAX_AGE)}` }
  return ETag.matchesIfNoneMatch(request.headers["if-none-match"], etag)
    ? HttpServerResponse.empty({ status: 304, headers })
    : HttpServerResponse.text(text, { contentType: "application/json", headers })
}

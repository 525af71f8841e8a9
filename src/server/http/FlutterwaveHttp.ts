import { BigDecimal, Effect, Layer, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Api } from "../../api/Api.ts"
import { FlutterwaveErrors } from "../../api/flutterwave/FlutterwaveApi.ts"
import type { AssetCode } from "../../domain/money/Asset.ts"
import * as Currency from "../../domain/money/Currency.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as Money from "../../domain/money/Money.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import { Rates } from "../../rates/lookup/Rates.ts"
import * as FlutterwaveFailure from "./FlutterwaveFailure.ts"
import * as InvalidRequests from "./InvalidRequests.ts"
import { RateRequests } from "./RateRequests.ts"

const DEFAULT_AMOUNT = BigDecimal.make(1000n, 0)
const DEFAULT_BASE = "USD"

/** Handlers of the Flutterwave-compatible API. */
export const layer = HttpApiBuilder.group(
  Api,
  "flutterwave",
  Effect.fn(function* (handlers) {
    const { pairs } = yield* AssetCatalog
    const rates = yield* Rates
    const { optionsOf } = yield* RateRequests

    const rate = Effect.fnUntraced(
      function* (query: { source_currency: string; destination_currency: string; amount?: string }) {
        const pair = yield* Effect.fromResult(
          pairs.findCurrencies(query.source_currency, query.destination_currency)
        )
        const amount = amountOf(query.amount, pair.to)
        if (Option.isNone(amount))
          return FlutterwaveFailure.respond(400, invalidAmount(Currency.get(pair.to)))
        const found = yield* rates.lookup(pair, yield* optionsOf(undefined))
        return success({ message: "Transfer rates fetched", data: quotation(found.rate, amount.value) })
      },
      Effect.catchTags({
        ...commonErrors,
        UnsupportedPair: ({ pair }) =>
          Effect.succeed(FlutterwaveFailure.respond(422, `${pair.from} to ${pair.to} is not supported`)),
        RateUnavailable: unavailable,
        RateTooOld: unavailable
      })
    )

    const all = Effect.fnUntraced(function* (query: { base_currency?: string }) {
      const base = yield* Effect.fromResult(pairs.findSource(query.base_currency ?? DEFAULT_BASE))
      const known = (yield* rates.list(Option.some(base))).filter(({ rate }) =>
        Option.isSome(Currency.find(rate.pair.from))
      )
      const quotations = known.map(
        ({ rate }) => [`${rate.pair.from}_${rate.pair.to}`, quotation(rate, DEFAULT_AMOUNT)] as const
      )
      return success({ base_currency: base, rates: Object.fromEntries(quotations) })
    }, Effect.catchTags(commonErrors))

    return handlers.handleAll({ rate: ({ query }) => rate(query), all: ({ query }) => all(query) })
  })
)

/** Responds in Flutterwave's format to requests that cannot be decoded, such as those with a repeated parameter. */
export const layerErrors = Layer.succeed(FlutterwaveErrors, (endpoint) =>
  Effect.catch(endpoint, (error) => {
    if (!InvalidRequests.is(error)) return Effect.fail(error)
    const errors = InvalidRequests.errorsOf(error)
    const details = errors.map(({ detail, pointer }) => `${pointer.slice("/query/".length)} ${detail}`)
    return Effect.succeed(FlutterwaveFailure.respond(400, details.join("; ")))
  })
)

const invalidAmount = ({ code, minorUnit }: Currency.Currency) =>
  `amount must be a positive decimal; ${code} allows ${minorUnit} decimals`

const amountOf = (text: string | undefined, code: AssetCode) =>
  text === undefined
    ? Option.some(DEFAULT_AMOUNT)
    : Option.map(Money.parse(text, Currency.get(code)), ({ amount }) => amount)

const quotation = ({ pair, rate }: Rate, amount: BigDecimal.BigDecimal) => ({
  rate: ExactJson.number(rate),
  source: { currency: pair.from, amount: ExactJson.number(Decimal.quotient(amount, rate)) },
  destination: { currency: pair.to, amount: ExactJson.number(amount) }
})

const success = (body: object) => HttpServerResponse.jsonUnsafe({ status: "success", ...body })

const unavailable = () =>
  Effect.succeed(
    FlutterwaveFailure.respond(503, "Unable to fetch rates at the moment").pipe(
      HttpServerResponse.setHeader("retry-after", "1")
    )
  )

/** Responses to the errors of all endpoints, for `Effect.catchTags`. */
const commonErrors = {
  UnsupportedCurrency: ({ given }: Currency.UnsupportedCurrency) =>
    Effect.succeed(FlutterwaveFailure.respond(422, `${JSON.stringify(given)} is not supported`)),
  StoreUnavailable: unavailable
}

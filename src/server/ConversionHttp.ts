import { DateTime, Effect, Layer } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { ConversionAccess } from "../api/ConversionApi.ts"
import * as Problem from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import { Conversions } from "../conversion/Conversions.ts"
import { Quotes } from "../conversion/Quotes.ts"
import { numberFields, type Quote } from "../domain/AuditRecord.ts"
import * as Conversion from "../domain/Conversion.ts"
import * as Currency from "../domain/Currency.ts"
import type { ConversionBodyFields } from "./ConversionBody.ts"
import * as ConversionBody from "./ConversionBody.ts"
import * as Problems from "./Problems.ts"

/** Who asks, while nobody has a key. */
const ANONYMOUS = "anonymous"

/** The conversions and the quotes of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "conversion",
  Effect.fn(function* (handlers) {
    const { pairs } = yield* Settings
    const conversions = yield* Conversions
    const quotes = yield* Quotes
    const readConvert = ConversionBody.read(ConversionBody.Convert)
    const readQuote = ConversionBody.read(ConversionBody.Quote)

    const askedOf = Effect.fnUntraced(function* (body: ConversionBodyFields) {
      const pair = yield* Effect.fromResult(pairs.find(body.from_currency, body.to_currency)).pipe(
        Effect.catchTags(Problems.ofPair)
      )
      const [from, to] = [Currency.get(pair.from), Currency.get(pair.to)]
      const amountType = body.amount_type ?? "source"
      const amount = yield* ConversionBody.amountOf(body.amount, amountType === "source" ? from : to)
      return { pair, from, to, amount, amountType, reference: body.reference ?? null, principal: ANONYMOUS }
    })

    const toMessage = Effect.fnUntraced(function* (quote: Quote) {
      const { amountType, reference } = quote.priced
      return {
        quote_id: quote.id,
        state: yield* quotes.stateOf(quote),
        expires_at: DateTime.formatIso(quote.expiresAt),
        ...numberFields(quote.priced),
        amount_type: amountType,
        ...(reference === null ? {} : { reference }),
        created_at: DateTime.formatIso(quote.createdAt),
        ...(quote.usedBy === null ? {} : { audit_id: quote.usedBy })
      }
    })

    return handlers
      .handleRaw(
        "convert",
        Effect.fnUntraced(function* ({ headers, request }) {
          const idempotencyKey = yield* keyOf(headers["idempotency-key"])
          const body = yield* readConvert(request)
          const asked = yield* askedOf(body)
          const { replayed, body: answer } = yield* conversions
            .convert({ ...asked, quoteId: body.quote_id ?? null, idempotencyKey })
            .pipe(Effect.catchTags(Problems.ofConversion))
          return HttpServerResponse.text(answer, {
            contentType: "application/json",
            headers: { "cache-control": "no-store", ...(replayed ? { "idempotency-replayed": "true" } : {}) }
          })
        })
      )
      .handleRaw(
        "createQuote",
        Effect.fnUntraced(function* ({ request }) {
          const body = yield* readQuote(request)
          const ttl = yield* ConversionBody.ttlOf(body.ttl)
          const asked = yield* askedOf(body)
          const quote = yield* quotes.create(asked, ttl).pipe(Effect.catchTags(Problems.ofPrice))
          return yield* toMessage(quote)
        })
      )
      .handle(
        "quote",
        Effect.fnUntraced(function* ({ params }) {
          const quote = yield* quotes.byId(params.quote_id).pipe(Effect.catchTags(Problems.ofQuote))
          return yield* toMessage(quote)
        })
      )
  })
)

const keyOf = (header: string | undefined) =>
  header === undefined || Conversion.isIdempotencyKey(header)
    ? Effect.succeed(header)
    : Effect.fail(
        Problems.invalid("/headers/idempotency-key", `must be ${Conversion.IDEMPOTENCY_KEY_ALLOWED}`)
      )

/** Lets everybody pass where conversions are open to everybody, and nobody elsewhere. */
export const layerAccess = Layer.effect(
  ConversionAccess,
  Effect.gen(function* () {
    const { openConversions } = yield* Settings
    return ConversionAccess.of((endpoint) => (openConversions ? endpoint : Effect.fail(closed)))
  })
)

const closed = new Problem.Unauthorized({
  detail:
    "With Flutterwave's real rates, conversions, quotes and the audit are open only with ALLOW_ANONYMOUS_CONVERT=true"
})

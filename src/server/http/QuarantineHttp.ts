import { Effect, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { Caller } from "../../api/access/Caller.ts"
import { DecisionBody } from "../../api/quarantine/QuarantineMessage.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import { type QuarantinedRate, quarantineFields, QuarantineId } from "../../domain/rates/QuarantinedRate.ts"
import { Quarantine } from "../../rates/guard/Quarantine.ts"
import * as JsonBody from "./JsonBody.ts"
import * as Pagination from "./Pagination.ts"
import * as PairParams from "./PairParams.ts"
import * as Problems from "../middleware/Problems.ts"

/** The administration of the API. */
export const layer = HttpApiBuilder.group(
  Api,
  "admin",
  Effect.fn(function* (handlers) {
    const quarantine = yield* Quarantine

    type Decide = (typeof quarantine)["accept"]
    const decided = (decide: Decide) =>
      Effect.fnUntraced(function* (asked: {
        readonly params: { readonly quarantine_id: QuarantineId }
        readonly request: HttpServerRequest.HttpServerRequest
      }) {
        const reason = yield* reasonOf(asked.request)
        const { id: principal } = yield* Caller
        const found = yield* decide(asked.params.quarantine_id, { principal, reason }).pipe(
          Effect.catchTags(Problems.quarantineDecisionErrors)
        )
        return json(JSON.stringify(quarantineFields(found)))
      })

    return handlers
      .handle(
        "quarantine",
        Effect.fnUntraced(function* ({ query }) {
          const filter = {
            status: query.status,
            from: yield* PairParams.codeOf(query.from),
            to: yield* PairParams.codeOf(query.to)
          }
          const before = yield* Pagination.decodeCursor(query.cursor, Schema.decodeEffect(QuarantineId))
          const size = Pagination.sizeOf(query)
          const found = yield* quarantine
            .page(filter, before, size + 1)
            .pipe(Effect.catchTags(Problems.storeErrors))
          return Pagination.pageOf(found, size, quarantineFields, ({ id }) => id)
        })
      )
      .handleRaw(
        "quarantined",
        Effect.fnUntraced(function* ({ params }) {
          const found = yield* quarantine
            .byId(params.quarantine_id)
            .pipe(Effect.catchTags(Problems.quarantineErrors))
          return json(recordText(found))
        })
      )
      .handleRaw("accept", decided(quarantine.accept))
      .handleRaw("reject", decided(quarantine.reject))
  })
)

const json = (text: string) =>
  HttpServerResponse.text(text, {
    contentType: "application/json",
    headers: { "cache-control": "no-store" }
  })

/** With the provider's answer as it was, digit for digit. */
const recordText = (found: QuarantinedRate) =>
  JSON.stringify({
    ...quarantineFields(found),
    source_amount: Decimal.format(found.sourceAmount),
    destination_amount: Decimal.format(found.destinationAmount),
    provider_rate: found.providerRate,
    raw: ExactJson.raw(found.raw)
  })

const readDecision = JsonBody.readerOf(DecisionBody)

/** The operator's words, where there is a body. */
const reasonOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const text = yield* Effect.orDie(request.text)
  if (text.trim() === "") return null
  const { reason } = yield* readDecision(request)
  return reason ?? null
})

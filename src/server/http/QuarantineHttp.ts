import { Effect, Schema } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AdminActions } from "../../accounts/AdminActions.ts"
import { AssetCatalog } from "../../assets/AssetCatalog.ts"
import { Api } from "../../api/Api.ts"
import { Caller } from "../../api/access/Caller.ts"
import { DecisionBody } from "../../api/quarantine/QuarantineMessage.ts"
import * as Decimal from "../../domain/money/Decimal.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import { type QuarantinedRate, quarantineFields, QuarantineId } from "../../domain/rates/QuarantinedRate.ts"
import { Quarantine } from "../../rates/guard/Quarantine.ts"
import * as JsonBody from "../encoding/JsonBody.ts"
import * as Pagination from "../encoding/Pagination.ts"
import * as PairParams from "./PairParams.ts"
import * as Problems from "../middleware/Problems.ts"

/** Handlers of the quarantine API. */
export const layer = HttpApiBuilder.group(
  Api,
  "admin",
  Effect.fn(function* (handlers) {
    const catalog = yield* AssetCatalog
    const quarantine = yield* Quarantine
    const { record } = yield* AdminActions

    type Decide = (typeof quarantine)["accept"]
    const handleDecision = (action: string, decide: Decide) =>
      Effect.fnUntraced(function* ({
        params,
        request
      }: {
        readonly params: { readonly quarantine_id: QuarantineId }
        readonly request: HttpServerRequest.HttpServerRequest
      }) {
        const reason = yield* readReason(request)
        const { id: principal } = yield* Caller
        const subject = params.quarantine_id
        const recorded = record({ principal, action, subject, reason: reason ?? undefined })
        const found = yield* decide(subject, { principal, reason, record: recorded }).pipe(
          Effect.catchTags(Problems.quarantineDecisionErrors)
        )
        return respond(JSON.stringify(quarantineFields(found)))
      })

    return handlers
      .handle(
        "quarantine",
        Effect.fnUntraced(function* ({ query }) {
          const filter = {
            status: query.status,
            from: yield* PairParams.parseCode(catalog, query.from),
            to: yield* PairParams.parseCode(catalog, query.to)
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
          return respond(encodeRecord(found))
        })
      )
      .handleRaw("accept", handleDecision("quarantine.accept", quarantine.accept))
      .handleRaw("reject", handleDecision("quarantine.reject", quarantine.reject))
  })
)

const respond = (json: string) =>
  HttpServerResponse.text(json, {
    contentType: "application/json",
    headers: { "cache-control": "no-store" }
  })

/** Encodes a quarantined rate as JSON. Preserves the provider's response byte for byte. */
const encodeRecord = (found: QuarantinedRate) =>
  ExactJson.stringifyWith(
    {
      ...quarantineFields(found),
      source_amount: Decimal.format(found.sourceAmount),
      destination_amount: Decimal.format(found.destinationAmount),
      provider_rate: found.providerRate
    },
    "raw",
    found.raw
  )

const readDecision = JsonBody.readerOf(DecisionBody)

/** Reads the operator's reason from the optional body. */
const readReason = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const text = yield* Effect.orDie(request.text)
  if (text.trim() === "") return null
  const { reason } = yield* readDecision(request)
  return reason ?? null
})

import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { get, TestServer } from "../../support/TestServer.ts"

const Response = Schema.Struct({
  description: Schema.NonEmptyString,
  headers: Schema.optionalKey(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        description: Schema.NonEmptyString,
        schema: Schema.Record(Schema.String, Schema.Unknown)
      })
    )
  ),
  content: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Struct({ schema: Schema.Record(Schema.String, Schema.Unknown) }))
  )
})
const Parameter = Schema.Struct({
  name: Schema.NonEmptyString,
  in: Schema.Literals(["query", "path", "header"]),
  required: Schema.Boolean,
  schema: Schema.Record(Schema.String, Schema.Unknown)
})
const Operation = Schema.Struct({
  operationId: Schema.NonEmptyString,
  summary: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  tags: Schema.Array(Schema.String),
  parameters: Schema.Array(Parameter),
  requestBody: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  responses: Schema.Record(Schema.String, Response),
  security: Schema.Array(Schema.Record(Schema.String, Schema.Array(Schema.String)))
})
/** The subset of OpenAPI 3.1 that the document uses. */
const Document = Schema.Struct({
  openapi: Schema.Literal("3.1.0"),
  info: Schema.Struct({
    title: Schema.NonEmptyString,
    version: Schema.NonEmptyString,
    description: Schema.String
  }),
  tags: Schema.Array(Schema.Struct({ name: Schema.String })),
  paths: Schema.Record(
    Schema.String,
    Schema.Struct({
      get: Schema.optionalKey(Operation),
      put: Schema.optionalKey(Operation),
      post: Schema.optionalKey(Operation),
      patch: Schema.optionalKey(Operation),
      delete: Schema.optionalKey(Operation)
    })
  ),
  components: Schema.Struct({
    schemas: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)),
    securitySchemes: Schema.Struct({
      bearer: Schema.Struct({
        type: Schema.Literal("http"),
        scheme: Schema.Literal("Bearer"),
        description: Schema.NonEmptyString
      }),
      administrator: Schema.Struct({
        type: Schema.Literal("http"),
        scheme: Schema.Literal("Bearer"),
        description: Schema.NonEmptyString
      })
    })
  })
})

const JSON_TYPE = "application/json"
const PROBLEM_TYPE = "application/problem+json"

/** Paths that support exports with `Accept`. */
const EXPORT_PATHS = new Set(["/api/v1/rates/history", "/api/v1/audit/conversions", "/api/v1/transactions"])
const FILE_TYPES = ["text/csv", "application/x-ndjson"]

/** The parameters (`?` marks optional ones) and statuses of every operation. */
const expectedOperations: Readonly<Record<string, readonly [parameters: string, statuses: string]>> = {
  "/api/v1/rates": ["from to max_age?", "200 304 400 401 408 413 414 422 429 431 500 503"],
  "/api/v1/rates/all": ["base?", "200 400 401 408 413 414 422 429 431 500 503"],
  "/api/v1/rates/stream": ["last-event-id? pairs? since?", "200 400 401 408 413 414 422 429 431 500"],
  "/api/v1/currencies": ["", "200 400 401 408 413 414 429 431 500"],
  "/api/v1/rates/{rate_id}": ["rate_id", "200 304 400 401 404 408 413 414 429 431 500 503"],
  "/api/v1/convert": ["idempotency-key?", "200 400 401 403 404 408 409 413 414 422 429 431 500 503"],
  "/api/v1/quotes": ["", "201 400 401 403 408 413 414 422 429 431 500 503"],
  "/api/v1/quotes/{quote_id}": ["quote_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/rates/history": [
    "accept? from to start? end? interval? cursor? page_size?",
    "200 400 401 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/rates/as-of": ["from to at known_at?", "200 400 401 404 408 413 414 422 429 431 500 503"],
  "/api/v1/audit/conversions": [
    "accept? from? to? reference? since? until? after? cursor? page_size?",
    "200 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/audit/conversions/{audit_id}": ["audit_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/audit/conversions/{audit_id}/receipt": [
    "audit_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/audit/heads": ["after?", "200 400 401 403 408 413 414 429 431 500 503"],
  "get /api/v1/audit/verify": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "post /api/v1/audit/verify": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/audit/consistency": ["from to", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/audit/keys": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/rates": [
    "source_currency destination_currency amount?",
    "200 400 401 408 413 414 422 429 431 500 503"
  ],
  "/api/rates/all": ["base_currency?", "200 400 401 408 413 414 422 429 431 500 503"],
  "/api/v1/admin/quarantine": [
    "status? from? to? cursor? page_size?",
    "200 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/quarantine/{quarantine_id}": [
    "quarantine_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/quarantine/{quarantine_id}/accept": [
    "quarantine_id",
    "200 400 401 403 404 408 409 413 414 429 431 500 503"
  ],
  "/api/v1/admin/quarantine/{quarantine_id}/reject": [
    "quarantine_id",
    "200 400 401 403 404 408 409 413 414 429 431 500 503"
  ],
  "/api/v1/polls": ["cursor? page_size?", "200 400 401 408 413 414 429 431 500 503"],
  "/api/v1/polls/{run_id}": ["run_id", "200 400 401 404 408 413 414 429 431 500 503"],
  "get /api/v1/admin/poller": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "put /api/v1/admin/poller": ["if-match? reason?", "200 400 401 403 408 412 413 414 429 431 500 503"],
  "delete /api/v1/admin/poller": ["if-match? reason?", "200 400 401 403 408 412 413 414 429 431 500 503"],
  "/api/v1/admin/poller/changes": ["cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/poller/runs": ["reason?", "202 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/assets": ["kind?", "200 400 401 408 413 414 429 431 500"],
  "/api/v1/exchanges/crypto-currencies": ["", "200 400 401 408 413 414 429 431 500 503"],
  "/api/v1/exchanges/stocks": ["", "200 400 401 408 413 414 429 431 500 503"],
  "/api/v1/board": ["base? points?", "200 304 400 401 408 413 414 422 429 431 500 503"],
  "get /api/v1/admin/assets/{code}": ["code", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "put /api/v1/admin/assets/{code}": [
    "code if-match? reason?",
    "200 400 401 403 408 412 413 414 422 429 431 500 503"
  ],
  "delete /api/v1/admin/assets/{code}": [
    "code if-match? reason?",
    "200 400 401 403 404 408 412 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/assets/{code}/changes": [
    "code cursor? page_size?",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/auth/register": ["", "201 400 403 408 409 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/login": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/refresh": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/logout": ["", "204 400 403 408 413 414 429 431 500 503"],
  "/.well-known/jwks.json": ["", "200 400 408 413 414 429 431 500"],
  "get /api/v1/accounts/me": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "patch /api/v1/accounts/me": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/me/password": ["", "204 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/events": ["last-event-id? since?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/security-events": ["cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/sessions": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/sessions/{session_id}": ["session_id", "204 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/logout-all": ["", "204 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/logout-others": ["", "204 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/mfa": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/mfa/enroll": ["", "200 400 401 403 408 409 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/mfa/confirm": ["", "200 400 401 403 408 409 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/mfa/disable": ["", "204 400 401 403 408 409 413 414 429 431 500 503"],
  "/api/v1/accounts/auth/mfa/recovery-codes": ["", "200 400 401 403 408 409 413 414 429 431 500 503"],
  "/api/v1/admin/users": ["prefix? cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}": ["user_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/lock": ["user_id", "200 400 401 403 404 408 409 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/unlock": ["user_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/reset-mfa": ["user_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/end-sessions": [
    "user_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/users/{user_id}/role": ["user_id", "200 400 401 403 404 408 409 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/wallet": ["user_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/users/{user_id}/transactions": [
    "user_id cursor? page_size?",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/users/{user_id}/security-events": [
    "user_id cursor? page_size?",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "get /api/v1/admin/keys": ["cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "post /api/v1/admin/keys": ["", "201 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/keys/{key_id}/revoke": ["key_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/overview": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/settings": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/actions": ["subject? cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/ledger/accounts": ["cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/ledger/accounts/{account_id}": [
    "account_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/ledger/accounts/{account_id}/entries": [
    "account_id cursor? page_size?",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/ledger/accounts/{account_id}/freeze": [
    "account_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/ledger/accounts/{account_id}/unfreeze": [
    "account_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/ledger/trial-balance": ["at?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/ledger/transfers/{transfer_id}": [
    "transfer_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/ledger/verify": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "get /api/v1/admin/ledger/adjustments": [
    "state? cursor? page_size?",
    "200 400 401 403 408 413 414 429 431 500 503"
  ],
  "post /api/v1/admin/ledger/adjustments": [
    "idempotency-key?",
    "201 400 401 403 404 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/ledger/adjustments/{adjustment_id}/approve": [
    "adjustment_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/ledger/adjustments/{adjustment_id}/reject": [
    "adjustment_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/deposit": [
    "idempotency-key?",
    "200 202 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/withdraw": [
    "idempotency-key?",
    "200 202 400 401 402 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/funding": [
    "state? direction? cursor? page_size?",
    "200 400 401 403 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/funding/{funding_id}": [
    "funding_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/funding": [
    "state? direction? cursor? page_size?",
    "200 400 401 403 408 413 414 429 431 500 503"
  ],
  "/api/v1/admin/funding/{funding_id}/confirm": [
    "funding_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/funding/{funding_id}/refuse": [
    "funding_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/reviews": ["state? cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/reviews/{review_id}": ["review_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/reviews/{review_id}/approve": [
    "review_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/reviews/{review_id}/reject": [
    "review_id",
    "200 400 401 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/admin/risk/decisions": [
    "wallet_id? cursor? page_size?",
    "200 400 401 403 408 413 414 429 431 500 503"
  ],
  "get /api/v1/admin/risk/rules": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "put /api/v1/admin/risk/rules": ["if-match? reason?", "200 400 401 403 408 412 413 414 429 431 500 503"],
  "delete /api/v1/admin/risk/rules": ["if-match? reason?", "200 400 401 403 408 412 413 414 429 431 500 503"],
  "/api/v1/transfers/{transfer_id}": ["transfer_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/transfers": ["idempotency-key?", "201 202 400 401 402 403 404 408 413 414 422 429 431 500 503"],
  "/api/v1/transfers/recipient": ["to", "200 400 401 403 404 408 413 414 422 429 431 500 503"],
  "post /api/v1/orders": ["idempotency-key?", "201 202 400 401 402 403 408 413 414 422 429 431 500 503"],
  "get /api/v1/orders": [
    "state? asset? cursor? page_size?",
    "200 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/orders/terms": ["asset", "200 400 401 403 408 413 414 422 429 431 500 503"],
  "get /api/v1/orders/{order_id}": ["order_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "delete /api/v1/orders/{order_id}": ["order_id", "200 400 401 403 404 408 409 413 414 429 431 500 503"],
  "/api/v1/orders/{order_id}/allocation": ["order_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/batches": ["state? dead? cursor? page_size?", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/admin/batches/{batch_id}": ["batch_id", "200 400 401 403 404 408 413 414 429 431 500 503"],
  "/api/v1/admin/batches/{batch_id}/retry": [
    "batch_id",
    "200 400 401 403 404 408 409 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet": ["", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/wallet/conversions/{audit_id}": [
    "audit_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/conversions/{audit_id}/receipt": [
    "audit_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/conversions/{conversion_id}/cancel": [
    "conversion_id",
    "200 400 401 403 404 408 409 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/conversions/{conversion_id}/state": [
    "conversion_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/convert": [
    "idempotency-key?",
    "201 202 400 401 402 403 404 408 409 413 414 422 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/quotes": ["", "201 400 401 403 408 413 414 422 429 431 500 503"],
  "/api/v1/accounts/wallet/quotes/{quote_id}": [
    "quote_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/api/v1/accounts/wallet/at": ["time", "200 400 401 403 408 413 414 429 431 500 503"],
  "/api/v1/accounts/statement": [
    "accept? since until? asset?",
    "200 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/transactions": [
    "accept? asset? type? since? until? cursor? page_size?",
    "200 400 401 403 408 413 414 422 429 431 500 503"
  ],
  "/api/v1/transactions/{transaction_id}": [
    "transaction_id",
    "200 400 401 403 404 408 413 414 429 431 500 503"
  ],
  "/health/live": ["", "200 400 408 413 414 431 500"],
  "/health/ready": ["", "200 400 408 413 414 431 500 503"]
}

/** Every operation by path, prefixed with the method if the path has several. */
const operationsOf = ({ paths }: typeof Document.Type) =>
  Object.entries(paths).flatMap(([path, operations]) => {
    const all = Object.entries(operations)
    return all.map(([method, operation]) => [all.length > 1 ? `${method} ${path}` : path, operation] as const)
  })

/** Sign-in takes no credentials, and may still be refused. */
const SIGN_IN = /\/accounts\/auth\/(register|login|refresh|logout)$/

const schemeOf = (path: string) => {
  if (SIGN_IN.test(path)) return []
  if (/\/admin\/(assets|users|actions|ledger|funding|batches|reviews|risk|keys|overview|settings)/.test(path))
    return { administrator: [] }
  return /\/api\/v1\/(accounts|transfers|transactions|orders)\b/.test(path)
    ? { accessToken: [] }
    : { bearer: [] }
}

layer(TestServer.layer(), { excludeTestServices: true })("GET /openapi.json", (it) => {
  const read = Effect.gen(function* () {
    const response = yield* get("/openapi.json")
    assert.strictEqual(response.status, 200)
    assert.strictEqual(response.headers.get("content-type"), JSON_TYPE)
    const document = yield* Schema.decodeUnknownEffect(Document)(response.json)
    return { document, text: response.text }
  })

  it.effect("documents every endpoint with its parameters and statuses", () =>
    Effect.gen(function* () {
      const { document } = yield* read
      const documented = operationsOf(document).map(([path, operation]) => {
        const parameters = operation.parameters.map(({ name, required }) => (required ? name : `${name}?`))
        return [path, [parameters.join(" "), Object.keys(operation.responses).join(" ")]] as const
      })
      assert.deepStrictEqual(Object.fromEntries(documented), expectedOperations)
    })
  )

  it.effect("documents response content types, with errors in the format of their API", () =>
    Effect.gen(function* () {
      const { document } = yield* read
      for (const [path, operation] of operationsOf(document)) {
        for (const [status, { content }] of Object.entries(operation.responses)) {
          const isProblem = Number(status) >= 400 && !path.startsWith("/api/rates")
          const id = `${path} ${status}`
          if (status === "304" || status === "204") assert.isUndefined(content, id)
          else if (id === "/api/v1/rates/stream 200" || id === "/api/v1/accounts/events 200")
            assert.deepStrictEqual(Object.keys(content ?? {}), ["text/event-stream"])
          else if (status === "200" && EXPORT_PATHS.has(path))
            assert.deepStrictEqual(Object.keys(content ?? {}), [JSON_TYPE, ...FILE_TYPES])
          else if (id === "/api/v1/accounts/statement 200")
            assert.deepStrictEqual(Object.keys(content ?? {}), [JSON_TYPE, ...FILE_TYPES, "text/html"])
          else if (id === "/health/ready 503") assert.deepStrictEqual(Object.keys(content ?? {}), [JSON_TYPE])
          else assert.deepStrictEqual(Object.keys(content ?? {}), [isProblem ? PROBLEM_TYPE : JSON_TYPE], id)
        }
      }
    })
  )

  it.effect("requires authentication exactly for operations that need a scope", () =>
    Effect.gen(function* () {
      const { document } = yield* read
      for (const [path, { responses, security }] of operationsOf(document))
        assert.deepStrictEqual(security, "403" in responses ? [schemeOf(path)].flat() : [], path)
    })
  )

  it.effect("documents rate-limit headers on every rate-limited response", () =>
    Effect.gen(function* () {
      const { document } = yield* read
      const limit = ["RateLimit-Policy", "RateLimit"]
      for (const [path, { responses }] of operationsOf(document)) {
        for (const [status, { headers = {} }] of Object.entries(responses)) {
          const isCounted = /\/api\/|jwks/.test(path) && !["408", "413", "414", "431"].includes(status)
          const isRetryable = status === "429" || status === "503"
          const expected = [...(isCounted ? limit : []), ...(isRetryable ? ["Retry-After"] : [])]
          assert.deepStrictEqual(Object.keys(headers), expected, `${path} ${status}`)
        }
      }
    })
  )

  it.effect("is internally consistent", () =>
    Effect.gen(function* () {
      const { document, text } = yield* read
      assert.notInclude(text, "undefined")
      for (const [, name = ""] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g))
        assert.property(document.components.schemas, name)
      assert.strictEqual(text.match(/"\$ref":"(?!#\/components\/schemas\/)/g), null)
      const operations = operationsOf(document).map(([, operation]) => operation)
      assert.strictEqual(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
      const tags = document.tags.map(({ name }) => name)
      for (const operation of operations) assert.includeMembers(tags, [...operation.tags])
      for (const [path, operation] of operationsOf(document)) {
        const inPath = operation.parameters.filter((parameter) => parameter.in === "path")
        assert.sameMembers(
          inPath.map(({ name }) => `{${name}}`),
          path.match(/\{\w+\}/g) ?? []
        )
        assert.isTrue(inPath.every(({ required }) => required))
      }
    })
  )

  it.effect("types rates as decimal strings, and Flutterwave rates as numbers", () =>
    Effect.gen(function* () {
      const { document } = yield* read
      const { FlutterwaveRate, Rate } = document.components.schemas
      assert.deepNestedInclude(Rate, {
        "properties.rate.type": "string",
        "properties.stale.type": "boolean"
      })
      assert.deepNestedInclude(FlutterwaveRate, { "properties.rate.type": "number" })
    })
  )
})

import { Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import type { HttpServerResponse } from "effect/http"
import { ApiKeys } from "../access/ApiKeys.ts"
import { PATIENCE } from "../access/KeyMemory.ts"
import { AdminAccess } from "../api/AdminAccess.ts"
import { AuditAccess, ConversionAccess, OpenAccess } from "../api/Access.ts"
import { Caller, ConversionCalls, OpenCalls } from "../api/CallAccess.ts"
import { FlutterwaveAccess } from "../api/FlutterwaveApi.ts"
import * as Problem from "../api/Problem.ts"
import { Settings } from "../config/Settings.ts"
import { ANONYMOUS, InvalidKey, type Scope } from "../domain/ApiKey.ts"
import * as BackPressure from "./BackPressure.ts"
import * as Problems from "./Problems.ts"

/** The value of an `Authorization` header. */
type Authorization = string | undefined

/** A problem, and what RFC 6750 (3.) has to be said of it in `WWW-Authenticate`. */
interface Refusal<P = Problem.Unauthorized | Problem.Forbidden | Problem.StoreUnavailable> {
  readonly problem: P
  readonly challenge: Readonly<Record<string, string>>
}

const unauthorized = (detail: string, challenge: Refusal["challenge"]): Refusal<Problem.Unauthorized> => ({
  problem: new Problem.Unauthorized({ detail }),
  challenge
})

const missing = unauthorized(
  "A key is needed, as `Authorization: Bearer efx_…`; `effex keys create` makes one",
  {}
)

const invalid = ({ detail }: InvalidKey) =>
  unauthorized(detail, { error: "invalid_token", error_description: detail })

const tooNarrow = (scope: Scope): Refusal => ({
  problem: new Problem.Forbidden({ detail: `It takes the scope \`${scope}\`, which this key does not have` }),
  challenge: { error: "insufficient_scope", scope }
})

const unchecked: Refusal = {
  problem: new Problem.StoreUnavailable({
    detail: "Whether the key is in force is in the database, which does not answer"
  }),
  challenge: {}
}

/** The key in a header; none where it is not there for us, but for a proxy on the way. */
const keyIn = (authorization: Authorization): Effect.Effect<string | undefined, InvalidKey> => {
  const [, key] = /^bearer(?: +(.*))?$/is.exec(authorization ?? "") ?? []
  if (key !== undefined) return Effect.succeed(key)
  return /^(bearer|efx_)/i.test(authorization ?? "")
    ? Effect.fail(new InvalidKey({ detail: "The header must be `Authorization: Bearer efx_…`" }))
    : Effect.undefined
}

/** Decides who may ask for what. */
export const make = Effect.gen(function* () {
  const { openConversions } = yield* Settings
  const keys = yield* ApiKeys
  /** What the sandbox answers is worth nothing. */
  const sandbox = keys.mode === "test"
  const isOpen: Readonly<Record<Scope, boolean>> = {
    "rates:read": true,
    convert: openConversions,
    "audit:read": openConversions,
    admin: sandbox
  }

  const holder = Effect.fnUntraced(function* (authorization: Authorization) {
    const key = yield* keyIn(authorization)
    return key === undefined ? undefined : yield* keys.authenticate(key)
  })

  /** Whoever may ask for what takes a scope. A key that is shown is held to, where none is needed as well. */
  const hold = Effect.fnUntraced(
    function* (scope: Scope, authorization: Authorization) {
      const principal = yield* holder(authorization)
      if (principal === undefined) return isOpen[scope] ? ANONYMOUS : yield* Effect.fail(missing)
      return principal.scopes.includes(scope) ? principal : yield* Effect.fail(tooNarrow(scope))
    },
    Effect.catchTags({
      InvalidKey: (error) => Effect.fail(invalid(error)),
      StoreUnavailable: () => Effect.fail(unchecked)
    })
  )

  /** Refuses a key that is not in force. What is open does not wait long for the database to say so. */
  const admit = (authorization: Authorization): Effect.Effect<void, Refusal<Problem.Unauthorized>> =>
    authorization === undefined
      ? Effect.void
      : holder(authorization).pipe(
          Effect.timeoutOption(PATIENCE),
          Effect.catchTags({
            InvalidKey: (error) => Effect.fail(invalid(error)),
            StoreUnavailable: () => Effect.void
          }),
          Effect.asVoid
        )

  return { admit, hold }
})

/** Tells a refusal, with its challenge. */
const respond = ({ challenge, problem }: Refusal) => {
  if (problem instanceof Problem.StoreUnavailable) return Problems.respond(problem)
  const parameters = Object.entries({ realm: "effex", ...challenge })
  const written = parameters.map(([name, value]) => `${name}="${quotable(value)}"`).join(", ")
  return Problems.respond(problem, { headers: { "www-authenticate": `Bearer ${written}` } })
}

/** What may stand between quotes (RFC 6750, 3.). */
const quotable = (text: string) => text.replaceAll("…", "...").replace(/[^ !#-[\]-~]/g, "'")

type Endpoint<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** Answers only those whose key, where they show one, is in force. */
export const open = Effect.map(
  make,
  ({ admit }) =>
    <E, R>(endpoint: Endpoint<E, R>) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers: { authorization } }) =>
        authorization === undefined
          ? endpoint
          : Effect.matchEffect(admit(authorization), { onFailure: respond, onSuccess: () => endpoint })
      )
)

/** Answers only those who hold a scope, and tells the endpoint who asks. */
const held = (scope: Scope) =>
  Effect.map(make, ({ hold }) => ({
    bearer: <E, R>(endpoint: Endpoint<E, R>) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
        Effect.matchEffect(hold(scope, headers["authorization"]), {
          onFailure: respond,
          onSuccess: (principal) => Effect.provideService(endpoint, Caller, principal)
        })
      )
  }))

/** Who may ask for what over HTTP. */
export const layerHttp = Layer.mergeAll(
  Layer.effect(OpenAccess, open),
  Layer.effect(FlutterwaveAccess, open),
  Layer.effect(ConversionAccess, held("convert")),
  Layer.effect(AuditAccess, held("audit:read")),
  Layer.effect(AdminAccess, held("admin"))
)

/** Who may ask for what over RPC. */
export const layerRpc = Layer.mergeAll(
  Layer.effect(
    OpenCalls,
    Effect.map(make, ({ admit }) =>
      OpenCalls.of((call, { headers }) =>
        Effect.andThen(
          Effect.mapError(admit(headers["authorization"]), ({ problem }) => problem),
          call
        )
      )
    )
  ),
  Layer.effect(
    ConversionCalls,
    Effect.map(make, ({ hold }) =>
      ConversionCalls.of((call, { headers }) =>
        BackPressure.counted(hold("convert", headers["authorization"])).pipe(
          Effect.mapError(({ problem }) => problem),
          Effect.flatMap((principal) => Effect.provideService(call, Caller, principal))
        )
      )
    )
  )
)

import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Clock, Effect, Layer, Metric, Option, Result } from "effect"
import { constVoid } from "effect/Function"
import { type Headers, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { ApiKeys } from "../../access/ApiKeys.ts"
import { PATIENCE } from "../../access/ApiKeyCache.ts"
import { RateLimits } from "../../access/RateLimits.ts"
import { AdminAccess } from "../../api/access/AdminAccess.ts"
import { AuditAccess, ConversionAccess, OpenAccess } from "../../api/access/HttpAccess.ts"
import { Caller, ConversionCalls, OpenCalls } from "../../api/access/RpcAccess.ts"
import { FlutterwaveAccess } from "../../api/flutterwave/FlutterwaveApi.ts"
import * as Problem from "../../api/Problem.ts"
import { Settings } from "../../config/Settings.ts"
import { ANONYMOUS, InvalidKey, type Principal, type Scope } from "../../domain/access/ApiKey.ts"
import { type Allowance, type Kind, QuotaExceeded } from "../../domain/access/RateLimit.ts"
import * as Metrics from "../../platform/telemetry/Metrics.ts"
import * as RateLimitHeaders from "./RateLimitHeaders.ts"
import * as BackPressure from "../stream/BackPressure.ts"
import * as Problems from "./Problems.ts"
import * as ClientAddress from "./ClientAddress.ts"

/** Somebody who asks, before it is known who it is. */
export interface Asker {
  /** The value of the `Authorization` header. */
  readonly authorization: string | undefined
  readonly address: string
  /** Tells them what is left of what they may ask for. */
  readonly tell: (allowance: Allowance) => void
}

/** A problem, and the headers that go with it. */
export interface Refusal<
  P = Problem.Unauthorized | Problem.Forbidden | Problem.RateLimited | Problem.StoreUnavailable
> {
  readonly problem: P
  readonly headers: Readonly<Record<string, string>>
}

/** What came of a request that takes a scope: who asks, and what is left to them where that was counted. */
interface Held {
  readonly holder: Result.Result<Principal, Refusal>
  readonly left: Allowance | undefined
}

/** A problem of which nothing else has to be said. */
export const refusalOf = <P>(problem: P): Refusal<P> => ({ problem, headers: {} })

/** What RFC 6750 (3.) has to be said of a refusal. */
const challenge = (parameters: Readonly<Record<string, string>>) => {
  const all = Object.entries({ realm: "effex", ...parameters })
  const written = all.map(([name, value]) => `${name}="${quotable(value)}"`).join(", ")
  return { "www-authenticate": `Bearer ${written}` }
}

/** What may stand between quotes (RFC 6750, 3.). */
const quotable = (text: string) => text.replaceAll("…", "...").replace(/[^ !#-[\]-~]/g, "'")

const unauthorized = (
  detail: string,
  parameters: Readonly<Record<string, string>>
): Refusal<Problem.Unauthorized> => ({
  problem: new Problem.Unauthorized({ detail }),
  headers: challenge(parameters)
})

const missing = unauthorized(
  "A key is needed, as `Authorization: Bearer efx_…`; `effex keys create` makes one",
  {}
)

const invalid = ({ detail }: InvalidKey) =>
  unauthorized(detail, { error: "invalid_token", error_description: detail })

const tooNarrow = (scope: Scope): Refusal<Problem.Forbidden> => ({
  problem: new Problem.Forbidden({ detail: `It takes the scope \`${scope}\`, which this key does not have` }),
  headers: challenge({ error: "insufficient_scope", scope })
})

const tooMuch = (exceeded: QuotaExceeded): Refusal<Problem.RateLimited> => ({
  problem: RateLimitHeaders.problemOf(exceeded),
  headers: RateLimitHeaders.headersOfExceeded(exceeded)
})

const unchecked = refusalOf(
  new Problem.StoreUnavailable({
    detail: "Whether the key is in force is in the database, which does not answer"
  })
)

/** The key in a header; none where it is not there for us, but for a proxy on the way. */
const keyIn = (authorization: string | undefined): Effect.Effect<string | undefined, InvalidKey> => {
  const [, key] = /^bearer(?: +(.*))?$/is.exec(authorization ?? "") ?? []
  if (key !== undefined) return Effect.succeed(key)
  return /^(bearer|efx_)/i.test(authorization ?? "")
    ? Effect.fail(new InvalidKey({ detail: "The header must be `Authorization: Bearer efx_…`" }))
    : Effect.undefined
}

const unsure = Effect.fail("unsure" as const)

/** Decides who may ask for what, and how much. */
export const make = Effect.gen(function* () {
  const { openConversions } = yield* Settings
  const keys = yield* ApiKeys
  const limits = yield* RateLimits
  const clock = yield* Clock.Clock
  /** What the sandbox answers is worth nothing. */
  const sandbox = keys.mode === "test"
  const isOpen: Readonly<Record<Scope, boolean>> = {
    "rates:read": true,
    convert: openConversions,
    "audit:read": openConversions,
    admin: sandbox
  }

  const count = (kind: Kind, caller: string, { tell }: Pick<Asker, "tell">) =>
    Effect.map(limits.count(kind, caller), (allowance) => {
      if (Option.isSome(allowance)) tell(allowance.value)
    })

  /** As {@link count} does a read, at once; undefined where it was not too much. */
  const countNow = (caller: string, { tell }: Asker): QuotaExceeded | undefined => {
    const counted = limits.countNow("reads", caller, clock.currentTimeMillisUnsafe())
    if (counted instanceof QuotaExceeded) return counted
    if (counted !== undefined) tell(counted)
    return undefined
  }

  /** Who holds the key that is shown, where one is. Whoever tries keys may not try many. */
  const holder = (asker: Asker) => {
    if (asker.authorization === undefined) return Effect.undefined
    const guessed = count("keys", asker.address, asker)
    return keyIn(asker.authorization).pipe(
      Effect.tapError(() => guessed),
      Effect.flatMap((key) => (key === undefined ? Effect.undefined : keys.authenticate(key, guessed))),
      Effect.tapErrorTag("InvalidKey", () => Metric.update(Metrics.keysRefused, 1))
    )
  }

  /** Who asks for something that takes a scope, once that was counted. */
  const counted = (kind: Kind, asker: Asker) =>
    holder(asker).pipe(
      Effect.flatMap((principal) => Effect.as(count(kind, principal?.id ?? asker.address, asker), principal)),
      Effect.catchTags({
        InvalidKey: (error) => Effect.fail(invalid(error)),
        QuotaExceeded: (error) => Effect.fail(tooMuch(error)),
        StoreUnavailable: () => Effect.fail(unchecked)
      })
    )

  const permit = (scope: Scope, principal: Principal | undefined): Result.Result<Principal, Refusal> => {
    if (principal === undefined) return isOpen[scope] ? Result.succeed(ANONYMOUS) : Result.fail(missing)
    return principal.scopes.includes(scope) ? Result.succeed(principal) : Result.fail(tooNarrow(scope))
  }

  /** Whoever may ask for what takes a scope. A key that is shown is held to, where none is needed as well. */
  const hold = (scope: Scope, kind: Kind, asker: Asker) =>
    Effect.flatMap(counted(kind, asker), (principal) => Effect.fromResult(permit(scope, principal)))

  /** Who holds a key that this node knows to be in force; any other takes a closer look. */
  const knownHolder = (authorization: string | undefined) =>
    authorization === undefined
      ? Effect.undefined
      : Effect.flatMap(keyIn(authorization), (key) =>
          key === undefined ? Effect.undefined : keys.authenticate(key, unsure)
        )

  /**
   * As {@link hold}, of several requests of one asker at once: what came of each, in their order; undefined where the key
   * takes a closer look, which is for {@link hold}.
   */
  const holdAll = (
    scope: Scope,
    kind: Kind,
    { address, authorization }: Pick<Asker, "address" | "authorization">,
    requests: number
  ): Effect.Effect<ReadonlyArray<Held> | undefined> =>
    Effect.matchEffect(knownHolder(authorization), {
      onFailure: (reason) =>
        Effect.succeed(
          reason !== "unsure" && reason._tag === "StoreUnavailable"
            ? Array.from({ length: requests }, (): Held => ({
                holder: Result.fail(unchecked),
                left: undefined
              }))
            : undefined
        ),
      onSuccess: (principal) => {
        const holder = permit(scope, principal)
        return Effect.map(limits.countAll(kind, principal?.id ?? address, requests), (all) =>
          all.map((counted): Held =>
            Result.isFailure(counted)
              ? { holder: Result.fail(tooMuch(counted.failure)), left: undefined }
              : { holder, left: Option.getOrUndefined(counted.success) }
          )
        )
      }
    })

  /**
   * As whom somebody is counted who asks for what is open; a key that is not in force is refused. What is open does not
   * wait long for the database to say so.
   */
  const admit = (
    kind: Kind,
    asker: Asker
  ): Effect.Effect<string, Refusal<Problem.Unauthorized | Problem.RateLimited>> => {
    const principal =
      asker.authorization === undefined
        ? Effect.undefined
        : holder(asker).pipe(
            Effect.timeoutOption(PATIENCE),
            Effect.map(Option.getOrUndefined),
            Effect.catchTag("StoreUnavailable", () => Effect.undefined)
          )
    return Effect.flatMap(principal, (found) => {
      const caller = found?.id ?? asker.address
      return Effect.as(count(kind, caller, asker), caller)
    }).pipe(
      Effect.catchTags({
        InvalidKey: (error) => Effect.fail(invalid(error)),
        QuotaExceeded: (error) => Effect.fail(tooMuch(error))
      })
    )
  }

  return { admit, count, countNow, hold, holdAll }
})

const respond = ({ headers, problem }: Refusal) => Problems.respond(problem, { headers })

type Endpoint<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

/** Who sends a request; what is left to them stands in the headers of its answer, whatever that is. */
const asking = <E, R>(
  endpoint: (asker: Asker & { readonly kind: Kind }) => Endpoint<E, R>
): Endpoint<E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    endpoint({
      authorization: NodeHttpServerRequest.toIncomingMessage(request).headers.authorization,
      address: ClientAddress.of(request),
      kind: request.method === "GET" || request.method === "HEAD" ? "reads" : "writes",
      tell: (allowance) => RateLimitHeaders.tell(request.source, allowance)
    })
  )

/** Answers only those whose key, where they show one, is in force. */
const open = Effect.map(
  make,
  ({ admit, countNow }) =>
    <E, R>(endpoint: Endpoint<E, R>) =>
      asking<E, R | HttpServerRequest.HttpServerRequest>((asker) => {
        // What every lookup goes through.
        if (asker.authorization === undefined && asker.kind === "reads") {
          const exceeded = countNow(asker.address, asker)
          return exceeded === undefined ? endpoint : respond(tooMuch(exceeded))
        }
        return Effect.matchEffect(admit(asker.kind, asker), { onFailure: respond, onSuccess: () => endpoint })
      })
)

/** Counts what is said on a connection that stays open, and fails where it is too much. */
export type Counting = Effect.Effect<void, Problem.RateLimited>

/** Answers as `open` does, with a connection whose every word is counted as a read of whoever opened it. */
export const conversing = Effect.map(make, ({ admit, count }) => ({
  counting: (caller: string): Counting =>
    Effect.mapError(count("reads", caller, { tell: constVoid }), RateLimitHeaders.problemOf),
  opened: <E, R>(endpoint: (caller: string) => Endpoint<E, R>) =>
    asking((asker) => Effect.matchEffect(admit("reads", asker), { onFailure: respond, onSuccess: endpoint }))
}))

/** Answers only those who hold a scope, and tells the endpoint who asks. */
const held = (scope: Scope) =>
  Effect.map(make, ({ hold }) => ({
    bearer: <E, R>(endpoint: Endpoint<E, R>) =>
      asking((asker) =>
        Effect.matchEffect(hold(scope, asker.kind, asker), {
          onFailure: respond,
          onSuccess: (principal) => Effect.provideService(endpoint, Caller, principal)
        })
      )
  }))

/** Who may ask for what over HTTP, and how much. */
export const layerHttp = Layer.mergeAll(
  Layer.effect(OpenAccess, open),
  Layer.effect(FlutterwaveAccess, open),
  Layer.effect(ConversionAccess, held("convert")),
  Layer.effect(AuditAccess, held("audit:read")),
  Layer.effect(AdminAccess, held("admin"))
)

/** Who makes a call: its headers are its own, else those of what carries it. */
const calling = ({ headers }: { readonly headers: Headers.Headers }) =>
  Effect.map(ClientAddress.Peer, (address): Asker => ({
    authorization: headers["authorization"],
    address,
    tell: constVoid
  }))

/** Who may ask for what over RPC, and how much. */
export const layerRpc = Layer.mergeAll(
  Layer.effect(
    OpenCalls,
    Effect.map(make, ({ admit }) =>
      OpenCalls.of((call, options) =>
        Effect.flatMap(calling(options), (asker) => admit("reads", asker)).pipe(
          Effect.mapError(({ problem }) => problem),
          Effect.andThen(call)
        )
      )
    )
  ),
  Layer.effect(
    ConversionCalls,
    Effect.map(make, ({ hold }) =>
      ConversionCalls.of((call, options) =>
        Effect.flatMap(calling(options), (asker) => hold("convert", "writes", asker)).pipe(
          BackPressure.counted,
          Effect.mapError(({ problem }) => problem),
          Effect.flatMap((principal) => Effect.provideService(call, Caller, principal))
        )
      )
    )
  )
)

import { DateTime, Duration, Effect, Fiber, Option } from "effect"
import * as Arr from "effect/Array"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import type { Readiness } from "../../api/operations/OperationsApi.ts"
import { Settings } from "../../config/Settings.ts"
import { ageAt, SANDBOX_PROVIDER } from "../../domain/rates/Rate.ts"
import { Database } from "../../platform/postgres/Database.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import { RateProvider } from "../../providers/RateProvider.ts"
import { RateCache } from "../../rates/lookup/RateCache.ts"
import { Rates } from "../../rates/lookup/Rates.ts"
import { Drain } from "../Drain.ts"

/** The health checks. */
export const layer = HttpApiBuilder.group(
  Api,
  "operations",
  Effect.fn(function* (handlers) {
    const { sandbox } = yield* Settings
    const { sql, execute } = yield* Database
    const cache = yield* RateCache
    const provider = yield* RateProvider
    const { isDraining } = yield* Drain

    const checkDatabase = execute(sql`SELECT 1`).pipe(
      Effect.matchCause({
        onSuccess: () => ({ status: "ok" as const }),
        onFailure: () => ({ status: "down" as const, detail: "It does not answer" })
      })
    )

    const checkProviders = Effect.map(provider.health, (health) => {
      const providers = Arr.map(health, ({ isFailing, lastFailure, name }) => {
        const told = sandbox ? SANDBOX_PROVIDER : name
        if (isFailing) return { name: told, status: "degraded" as const, detail: lastFailure }
        return sandbox
          ? { name: told, status: "ok" as const, detail: "Its rates are made up: set FLUTTERWAVE_SECRET_KEY" }
          : { name: told, status: "ok" as const }
      })
      const [provider] = providers
      const standIn = health.slice(1).find(({ servedLatest }) => servedLatest)
      return {
        providers,
        provider:
          provider.status === "degraded" && standIn !== undefined
            ? { ...provider, detail: `${provider.detail}; using ${standIn.name} instead` }
            : provider
      }
    })

    const checkRates = Effect.map(measure, ({ expected, known, oldestAgeSeconds, stale }) => {
      const status = known === 0 ? "down" : known < expected || stale ? "degraded" : "ok"
      return { status, known, expected, oldestAgeSeconds } as const
    })

    const ready = Effect.gen(function* () {
      const { providers, provider } = yield* checkProviders
      const checks = yield* Effect.all(
        {
          database: checkDatabase,
          redis: Effect.map(cache.health, (status) => ({ status })),
          provider: Effect.succeed(provider),
          rates: checkRates
        },
        { concurrency: "unbounded" }
      )
      const statuses = Object.values(checks).map(({ status }) => status)
      // One that fails behind the first one takes nothing from anybody yet.
      const well = statuses.every((status) => status === "ok" || status === "off")
      // Rates in memory are served without the database.
      const status = checks.rates.status === "down" ? "down" : well ? "ok" : "degraded"
      const said = { ...checks, providers }
      if (isDraining()) return yield* Effect.fail<Readiness>({ status: "down", draining: true, checks: said })
      const readiness: Readiness = { status, checks: said }
      return status === "down" ? yield* Effect.fail(readiness) : readiness
    })

    // Nobody is counted who asks: those who ask at once are told the same, and the database is asked once.
    const checking = yield* SingleFlight.make<Readiness, Readiness>()

    return handlers.handleAll({
      live: () => Effect.succeed({ status: "ok" as const }),
      ready: () => Effect.flatMap(checking("ready", ready), Fiber.join)
    })
  })
)

/** What is known of the rates, counted when it is asked for. */
const measure = Effect.gen(function* () {
  const { pairs } = yield* Settings
  const rates = yield* Rates
  const known = yield* Effect.catchCause(rates.list(Option.none()), () => Effect.succeed([]))
  const now = yield* DateTime.now
  const ages = known.map(({ rate }) => Math.floor(Duration.toSeconds(ageAt(rate, now))))
  return {
    known: known.length,
    expected: pairs.all.length,
    stale: known.some(({ stale }) => stale),
    oldestAgeSeconds: ages.length === 0 ? null : Math.max(...ages)
  }
})

import { Context, Duration, Effect, Exit, Fiber, Layer, Option, Random, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as EffectRedis from "effect/persistence/Redis"
import type { AssetPair } from "../../domain/money/AssetPair.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import type { Superseded } from "../../platform/LeaderTerms.ts"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import { RedisKeys } from "../../platform/RedisKeys.ts"
import * as SingleFlight from "../../platform/SingleFlight.ts"
import { ProviderError, type ProviderReason } from "../../providers/ProviderError.ts"
import * as RateJson from "./RateJson.ts"

// Runs one fetch per pair at a time: first within this process, then across all processes that share a Redis.
//
//     caller ─┐
//     caller ─┼─> local flight ──> claim in Redis ─┬─ claimed ──> fetch, publish the outcome in Redis
//     caller ─┘   (one per pair)                   └─ taken ────> wait for the outcome of the other process

/** A claim expires after this time if its process dies. A live process renews it. */
const CLAIM_TTL = Duration.seconds(5)
const CLAIM_RENEWAL_INTERVAL = Duration.seconds(1.5)
/** An outcome is kept for the processes that wait for it, and for callers that missed the cache just before it. */
const OUTCOME_TTL = Duration.seconds(1)
/** Average interval between checks of another process's flight; jittered by ±50 %. */
const CHECK_INTERVAL_MILLIS = 50
/** No provider call takes longer: three requests of 30 seconds, and the pauses between them. */
const MAX_WAIT = Duration.seconds(120)

export type FetchError = ProviderError | StoreUnavailable | Superseded

export interface FlightOptions {
  /** Ignores the outcome of a flight that has just ended, but still joins one in progress. */
  readonly bypassRecent: boolean
  /**
   * Derives the rate from those of other pairs. Such a flight waits for flights of these, and never the other way round, so
   * it has a key of its own.
   */
  readonly isDerived?: boolean
}

const nameOf = ({ key }: AssetPair, { isDerived = false }: FlightOptions) =>
  isDerived ? `derived:${key}` : key

const makeLocal = Effect.fnUntraced(function* (runShared: Run) {
  const flight = yield* SingleFlight.make<Rate, FetchError>()
  return SharedSingleFlight.of({
    run: (pair, fetch, options) =>
      Effect.flatMap(flight(nameOf(pair, options), runShared(pair, fetch, options)), Fiber.join)
  })
})

const makeShared = Effect.gen(function* () {
  const redis = yield* EffectRedis.Redis
  const keys = yield* RedisKeys
  const random = yield* SecureRandom.SecureRandom

  const replace = (key: string, claim: string, value: string, ttl: Duration.Duration) =>
    Effect.ignore(redis.eval(replaceScript)(key, claim, value, Duration.toMillis(ttl)))

  /** Claims the pair and returns none, or waits for the outcome of the process that holds the claim. */
  const claimOrAwait = Effect.fnUntraced(function* (key: string, claim: string, bypassRecent: boolean) {
    let replaced = ""
    for (let isOutdated = bypassRecent; ; isOutdated = false) {
      const current = yield* redis.eval(claimScript)(key, claim, Duration.toMillis(CLAIM_TTL), replaced)
      if (current === null) return Option.none()
      const state = yield* Effect.option(decode(current))
      if (Option.isSome(state) && state.value._tag !== "UnderWay") {
        if (!isOutdated) return Option.some(state.value)
        replaced = current
        continue
      }
      yield* Effect.sleep(
        yield* Random.nextIntBetween(CHECK_INTERVAL_MILLIS / 2, CHECK_INTERVAL_MILLIS * 1.5)
      )
    }
  })

  /** Fetches while renewing the claim, and publishes the outcome. */
  const fetchAndPublish = (key: string, claim: string, fetch: Effect.Effect<Rate, FetchError>) =>
    Effect.raceFirst(
      fetch,
      replace(key, claim, claim, CLAIM_TTL).pipe(Effect.delay(CLAIM_RENEWAL_INTERVAL), Effect.forever)
    ).pipe(
      Effect.onExit((exit) =>
        Effect.flatMap(encodeOutcome(exit), (value) => replace(key, claim, value, OUTCOME_TTL))
      )
    )

  const run: Run = Effect.fn("SharedSingleFlight.run")(function* (pair, fetch, options) {
    const { bypassRecent } = options
    const key = keys.own(`flight:${nameOf(pair, options)}`)
    const claim = yield* encode({ _tag: "UnderWay", by: yield* random.uuidV4() })
    const outcome = yield* claimOrAwait(key, claim, bypassRecent).pipe(
      Effect.timeoutOption(MAX_WAIT),
      Effect.map(Option.flatten),
      Effect.catch(() => Effect.succeedNone)
    )
    if (Option.isNone(outcome)) return yield* fetchAndPublish(key, claim, fetch)
    return outcome.value._tag === "Landed" ? outcome.value.rate : yield* outcome.value.error
  })

  return run
})

/** Runs one fetch per pair at a time, within this process and across processes. */
export class SharedSingleFlight extends Context.Service<
  SharedSingleFlight,
  {
    /**
     * Runs `fetch`, or joins the flight of the pair in this or another process and returns its outcome: the rate, or the
     * provider's failure. The flight continues when its callers are interrupted. While Redis is unavailable, each process
     * runs its own flight.
     */
    readonly run: (
      pair: AssetPair,
      fetch: Effect.Effect<Rate, FetchError>,
      options: FlightOptions
    ) => Effect.Effect<Rate, FetchError>
  }
>()("effex/rates/lookup/SharedSingleFlight") {
  /** Within this process. */
  static readonly layerMemory = Layer.effect(
    SharedSingleFlight,
    makeLocal((_pair, fetch) => fetch)
  )

  /** Across the processes of a deployment, under its Redis keys such as `flight:USD:NGN`. */
  static readonly layerRedis = Layer.effect(SharedSingleFlight, Effect.flatMap(makeShared, makeLocal))
}

type Run = SharedSingleFlight["Service"]["run"]

/** Value of the Redis key: the claim of a process, or briefly its outcome. */
const FlightState = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("UnderWay", { by: Schema.String }),
      Schema.TaggedStruct("Landed", { rate: RateJson.RateFromJson }),
      Schema.TaggedStruct("Failed", { error: ProviderError })
    ])
  )
)
const decode = Schema.decodeEffect(FlightState)
const encode = (state: typeof FlightState.Type) => Effect.orDie(Schema.encodeEffect(FlightState)(state))

/** Claims the key, or returns its current value. A value equal to `replaced` is overwritten. */
const claimScript = EffectRedis.script(
  (key: string, claim: string, ttlMillis: number, replaced: string) => [key, claim, ttlMillis, replaced],
  {
    numberOfKeys: 1,
    lua: `
local current = redis.call('GET', KEYS[1])
if current and current ~= ARGV[3] then return current end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`
  }
).withReturnType<string | null>()

/** Replaces the claim of this process, or deletes it if `value` is empty. Does nothing if another process holds it. */
const replaceScript = EffectRedis.script(
  (key: string, claim: string, value: string, ttlMillis: number) => [key, claim, value, ttlMillis],
  {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`
  }
)

/** Reasons that concern this process, while another one may still call the provider. */
const OWN_REASONS: ReadonlySet<ProviderReason["_tag"]> = new Set(["CircuitOpen", "OnDemandLimited"])

/**
 * Encodes the outcome for other processes; empty when it concerns this process only: a failure that is not the
 * provider's, or one of {@link OWN_REASONS}.
 */
const encodeOutcome = Effect.fnUntraced(function* (exit: Exit.Exit<Rate, FetchError>) {
  if (Exit.isSuccess(exit)) return yield* encode({ _tag: "Landed", rate: exit.value })
  const error = Option.filter(Exit.findErrorOption(exit), Schema.is(ProviderError))
  return Option.isSome(error) && !OWN_REASONS.has(error.value.reason._tag)
    ? yield* encode({ _tag: "Failed", error: error.value })
    : ""
})

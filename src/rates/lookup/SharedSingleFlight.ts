import { Context, Duration, Effect, Exit, Layer, Option, Random, Schema } from "effect"
import { SecureRandom } from "effect/crypto"
import * as EffectRedis from "effect/persistence/Redis"
import { Settings } from "../../config/Settings.ts"
import type { CurrencyPair } from "../../domain/money/CurrencyPair.ts"
import type { Rate } from "../../domain/rates/Rate.ts"
import { Redis } from "../../platform/Redis.ts"
import { ProviderError } from "../../providers/ProviderError.ts"
import * as RateJson from "./RateJson.ts"

/** How long a process that died keeps the others waiting. One that lives renews its claim. */
const CLAIM = Duration.seconds(5)
const RENEWAL = Duration.seconds(1.5)
/** How long an outcome stays, for those who wait, and for those who missed just before it was there. */
const OUTCOME = Duration.seconds(1)
/** Between two looks at what another process does, give or take a half. */
const LOOK_MILLIS = 50
/** No call of a provider takes longer: three requests of 30 seconds, and what lies between them. */
const LONGEST_WAIT = Duration.seconds(120)

/** One flight for each pair at a time, over all processes that share a Redis. */
export class SharedSingleFlight extends Context.Service<
  SharedSingleFlight,
  {
    /**
     * Runs `fetch`, or waits for another process that is fetching the pair's rate, and takes what comes of that: the
     * rate, or the provider's failure. What came of a flight that has just ended is taken too, unless it must be asked
     * `anew`. Where Redis does not answer, it just runs `fetch`.
     */
    readonly join: <E>(
      pair: CurrencyPair,
      fetch: Effect.Effect<Rate, E | ProviderError>,
      anew: boolean
    ) => Effect.Effect<Rate, E | ProviderError>
  }
>()("effex/rates/lookup/SharedSingleFlight") {
  /** Nobody to share with. */
  static readonly layerMemory = Layer.succeed(SharedSingleFlight, { join: (_, fetch) => fetch })

  /** Shared under `effex:flight:USD:NGN`. */
  static readonly layerRedis = Layer.effect(
    SharedSingleFlight,
    Effect.suspend(() => make)
  )

  /** In the Redis of the settings, where there is one. */
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ redisUrl }) =>
      Option.isSome(redisUrl)
        ? SharedSingleFlight.layerRedis.pipe(Layer.provide(Redis.layer))
        : SharedSingleFlight.layerMemory
    )
  )
}

/** What stands under the key: who fetches, or for a moment what came of it. */
const Flight = Schema.fromJsonString(
  Schema.toCodecJson(
    Schema.Union([
      Schema.TaggedStruct("UnderWay", { by: Schema.String }),
      Schema.TaggedStruct("Landed", { rate: RateJson.RateFromJson }),
      Schema.TaggedStruct("Failed", { error: ProviderError })
    ])
  )
)
const decode = Schema.decodeEffect(Flight)
const encode = (flight: typeof Flight.Type) => Effect.orDie(Schema.encodeEffect(Flight)(flight))

/** Claims the key, or says what stands there, unless that is what may be `replaced`. */
const claim = EffectRedis.script(
  (key: string, mine: string, ttlMillis: number, replaced: string) => [key, mine, ttlMillis, replaced],
  {
    numberOfKeys: 1,
    lua: `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[3] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false`
  }
).withReturnType<string | null>()

/** Replaces a claim, by nothing where the text is empty, unless it has become another's. */
const replace = EffectRedis.script(
  (key: string, mine: string, text: string, ttlMillis: number) => [key, mine, text, ttlMillis],
  {
    numberOfKeys: 1,
    lua: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`
  }
)

const make = Effect.gen(function* () {
  const redis = yield* EffectRedis.Redis
  const random = yield* SecureRandom.SecureRandom

  const put = (key: string, mine: string, text: string, ttl: Duration.Duration) =>
    Effect.ignore(redis.eval(replace)(key, mine, text, Duration.toMillis(ttl)))

  /** Claims the pair, and is none then, or else waits for the outcome of whoever did. */
  const claimOrAwait = Effect.fnUntraced(function* (key: string, mine: string, anew: boolean) {
    let outdated = ""
    for (let isOutdated = anew; ; isOutdated = false) {
      const held = yield* redis.eval(claim)(key, mine, Duration.toMillis(CLAIM), outdated)
      if (held === null) return Option.none()
      const flight = yield* Effect.option(decode(held))
      if (Option.isSome(flight) && flight.value._tag !== "UnderWay") {
        if (!isOutdated) return Option.some(flight.value)
        outdated = held
        continue
      }
      yield* Effect.sleep(yield* Random.nextIntBetween(LOOK_MILLIS / 2, LOOK_MILLIS * 1.5))
    }
  })

  const lead = <E>(key: string, mine: string, fetch: Effect.Effect<Rate, E | ProviderError>) =>
    Effect.raceFirst(fetch, put(key, mine, mine, CLAIM).pipe(Effect.delay(RENEWAL), Effect.forever)).pipe(
      Effect.onExit((exit) => Effect.flatMap(outcomeOf(exit), (text) => put(key, mine, text, OUTCOME)))
    )

  const join: SharedSingleFlight["Service"]["join"] = Effect.fn("SharedFlight.join")(
    function* (pair, fetch, anew) {
      const key = `effex:flight:${pair.key}`
      const mine = yield* encode({ _tag: "UnderWay", by: yield* random.uuidV4() })
      const outcome = yield* claimOrAwait(key, mine, anew).pipe(
        Effect.timeoutOption(LONGEST_WAIT),
        Effect.map(Option.flatten),
        Effect.catch(() => Effect.succeedNone)
      )
      if (Option.isNone(outcome)) return yield* lead(key, mine, fetch)
      return outcome.value._tag === "Landed" ? outcome.value.rate : yield* outcome.value.error
    }
  )

  return SharedSingleFlight.of({ join })
})

/**
 * What the others are told. A failure that is not the provider's is this process's own, and so is a circuit that is
 * open here: another process may try.
 */
const outcomeOf = Effect.fnUntraced(function* <E>(exit: Exit.Exit<Rate, E>) {
  if (Exit.isSuccess(exit)) return yield* encode({ _tag: "Landed", rate: exit.value })
  const error = Option.filter(Exit.findErrorOption(exit), Schema.is(ProviderError))
  return Option.isSome(error) && error.value.reason._tag !== "CircuitOpen"
    ? yield* encode({ _tag: "Failed", error: error.value })
    : ""
})

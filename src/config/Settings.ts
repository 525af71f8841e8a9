import { Config, Context, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { LogLevel } from "effect"
import * as CurrencyPair from "../domain/CurrencyPair.ts"
import type { Margins } from "../domain/Conversion.ts"
import * as Decimal from "../domain/Decimal.ts"
import * as Definitions from "./SettingDefinitions.ts"

/** One setting that cannot be used, and what could be. */
export const Fault = Schema.Struct({ name: Schema.String, found: Schema.String, allowed: Schema.String })

/** All the settings that cannot be used, in one message. */
export class WrongSettings extends Schema.TaggedError<WrongSettings>()("WrongSettings", {
  faults: Schema.Array(Fault)
}) {
  override get message(): string {
    const lines = this.faults.map(
      ({ allowed, found, name }) => `  ${name}: found ${found}; allowed: ${allowed}`
    )
    return `effex cannot start with these settings:\n${lines.join("\n")}`
  }
}

/**
 * Everything that can be set, read once at the start. The names, defaults and meanings stand in
 * `SettingDefinitions.ts`, from where `effex --help` and the README's table come.
 */
export class Settings extends Context.Service<
  Settings,
  {
    readonly host: string
    readonly port: number
    /** None: an embedded PostgreSQL under `dataDir`. */
    readonly databaseUrl: Option.Option<Redacted.Redacted>
    readonly dataDir: string
    /** None: the cache lives in this process. */
    readonly redisUrl: Option.Option<Redacted.Redacted>
    /** None: the built-in sandbox answers. */
    readonly flutterwaveSecretKey: Option.Option<Redacted.Redacted>
    readonly flutterwaveBaseUrl: string
    /** The destination amount to ask a rate for, in major units, as plain decimal text. */
    readonly flutterwaveAmount: string
    readonly pairs: CurrencyPair.SupportedPairs
    /** None: this process does not poll. */
    readonly pollInterval: Option.Option<Duration.Duration>
    readonly pollSpacing: Duration.Duration
    readonly pollConcurrency: number
    readonly cacheTtl: Duration.Duration
    readonly staleAfter: Duration.Duration
    readonly lookupBudget: Duration.Duration
    /** None: every origin may read. */
    readonly corsOrigins: Option.Option<ReadonlyArray<string>>
    /** How many streams one address may have open on a node; none: as many as it likes. */
    readonly streamsPerAddress: Option.Option<number>
    readonly margins: Margins
    /** Conversions, quotes and the audit are open to everybody. */
    readonly openConversions: boolean
    /** The seed of the Ed25519 key that signs the audit, in base64. None: the one under `dataDir`. */
    readonly auditSigningKey: Option.Option<Redacted.Redacted>
    readonly logLevel: LogLevel.LogLevel
    readonly logFormat: "pretty" | "json"
  }
>()("effex/config/Settings") {
  /** Reads the settings from the `ConfigProvider`, the environment by default. */
  static readonly layer = Layer.effect(
    Settings,
    Effect.suspend(() => read)
  )
}

const read = Effect.gen(function* () {
  const faults: Array<typeof Fault.Type> = []

  const take = Effect.fnUntraced(function* <A>(definition: Definitions.Definition<A>) {
    const text = yield* Config.String(definition.name).pipe(Config.option, Effect.orDie)
    // Compose files and CI systems pass a variable that is not set as an empty one.
    if (Option.isNone(text) || text.value === "") return definition.fallback
    return Option.getOrElse(definition.parse(text.value), () => {
      const found = definition.secret ? "<redacted>" : JSON.stringify(text.value)
      faults.push({ name: definition.name, found, allowed: definition.allowed })
      return definition.fallback
    })
  })

  const production = (yield* take(Definitions.NODE_ENV)) === "production"
  const allowEmbedded = yield* take(Definitions.ALLOW_EMBEDDED)
  const databaseUrl = yield* take(Definitions.DATABASE_URL)
  const flutterwaveSecretKey = yield* take(Definitions.FLUTTERWAVE_SECRET_KEY)
  const pollInterval = yield* take(Definitions.POLL_INTERVAL)
  const pollSpacing = yield* take(Definitions.POLL_SPACING)
  const cacheTtl = yield* take(Definitions.CACHE_TTL)

  const settings = {
    host: yield* take(Definitions.HOST),
    port: yield* take(Definitions.PORT),
    databaseUrl: Option.map(databaseUrl, (url) => Redacted.make(url)),
    dataDir: yield* take(Definitions.DATA_DIR),
    redisUrl: Option.map(yield* take(Definitions.REDIS_URL), (url) => Redacted.make(url)),
    flutterwaveSecretKey: Option.map(flutterwaveSecretKey, (key) => Redacted.make(key)),
    flutterwaveBaseUrl: yield* take(Definitions.FLUTTERWAVE_BASE_URL),
    flutterwaveAmount: Decimal.format(yield* take(Definitions.FLUTTERWAVE_AMOUNT)),
    pairs: CurrencyPair.makeSupported(
      yield* take(Definitions.RATE_SOURCES),
      yield* take(Definitions.RATE_DESTINATIONS)
    ),
    pollInterval,
    // The sandbox in this process has nothing to be spared.
    pollSpacing: Option.getOrElse(pollSpacing, () =>
      Option.isSome(flutterwaveSecretKey) ? Duration.millis(500) : Duration.zero
    ),
    pollConcurrency: yield* take(Definitions.POLL_CONCURRENCY),
    cacheTtl: Option.getOrElse(cacheTtl, () =>
      Option.match(pollInterval, {
        onNone: () => Duration.seconds(120),
        onSome: (interval) => Duration.times(interval, 2)
      })
    ),
    staleAfter: yield* take(Definitions.STALE_AFTER),
    lookupBudget: yield* take(Definitions.LOOKUP_BUDGET),
    corsOrigins: yield* take(Definitions.CORS_ORIGINS),
    streamsPerAddress: yield* take(Definitions.STREAMS_PER_ADDRESS),
    margins: {
      standard: yield* take(Definitions.CONVERSION_MARGIN),
      byPair: yield* take(Definitions.CONVERSION_MARGINS)
    },
    // The sandbox's rates are worth nothing.
    openConversions:
      (yield* take(Definitions.ALLOW_ANONYMOUS_CONVERT)) || Option.isNone(flutterwaveSecretKey),
    auditSigningKey: Option.map(yield* take(Definitions.AUDIT_SIGNING_KEY), (seed) => Redacted.make(seed)),
    logLevel: yield* take(Definitions.LOG_LEVEL),
    logFormat: yield* take(Definitions.LOG_FORMAT)
  }

  if (production && !allowEmbedded) {
    const refuse = (name: string, meaning: string) =>
      faults.push({
        name,
        found: "nothing",
        allowed: `in production, a value (${meaning}), or ALLOW_EMBEDDED=true`
      })
    if (Option.isNone(databaseUrl) && !named(faults, "DATABASE_URL"))
      refuse("DATABASE_URL", "else the embedded database")
    if (Option.isNone(flutterwaveSecretKey) && !named(faults, "FLUTTERWAVE_SECRET_KEY")) {
      refuse("FLUTTERWAVE_SECRET_KEY", "else the sandbox with made-up rates")
    }
  }
  if (
    Option.isNone(flutterwaveSecretKey) &&
    settings.flutterwaveBaseUrl !== Definitions.FLUTTERWAVE_BASE_URL.fallback &&
    !named(faults, "FLUTTERWAVE_SECRET_KEY")
  ) {
    const allowed =
      "a key, since FLUTTERWAVE_BASE_URL is set, and without one the sandbox would answer instead"
    faults.push({ name: "FLUTTERWAVE_SECRET_KEY", found: "nothing", allowed })
  }
  if (settings.pairs.all.length === 0) {
    faults.push({
      name: "RATE_DESTINATIONS",
      found: "no pair",
      allowed: "a currency that is not the only source"
    })
  }
  if (faults.length > 0) return yield* new WrongSettings({ faults })
  return Settings.of(settings)
})

const named = (faults: ReadonlyArray<typeof Fault.Type>, name: string) =>
  faults.some((fault) => fault.name === name)

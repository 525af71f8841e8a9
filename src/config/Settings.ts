import { Config, Context, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { BigDecimal, LogLevel } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as CurrencyPair from "../domain/CurrencyPair.ts"
import type { Margins } from "../domain/Conversion.ts"
import * as Decimal from "../domain/Decimal.ts"
import type { Definition } from "./SettingDefinition.ts"
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
    /** Where rates come from: the first, and who stands in for it, in order. */
    readonly providers: NonEmptyReadonlyArray<Definitions.ProviderName>
    /** The built-in sandbox answers in the place of Flutterwave, alone, and all rates are made up. */
    readonly sandbox: boolean
    readonly flutterwaveSecretKey: Option.Option<Redacted.Redacted>
    readonly flutterwaveBaseUrl: string
    readonly flutterwaveClientId: Option.Option<Redacted.Redacted>
    readonly flutterwaveClientSecret: Option.Option<Redacted.Redacted>
    readonly flutterwaveV4BaseUrl: string
    readonly flutterwaveTokenUrl: string
    /** Fixer's. */
    readonly fxApiKey: Option.Option<Redacted.Redacted>
    readonly fixerBaseUrl: string
    readonly openExchangeRatesAppId: Option.Option<Redacted.Redacted>
    readonly openExchangeRatesBaseUrl: string
    readonly frankfurterBaseUrl: string
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
    /** How far a rate may be from the last good one, as a fraction. */
    readonly guardMaxJump: BigDecimal.BigDecimal
    /** How far it may go away from what other pairs and another provider come to, as a fraction. */
    readonly guardMaxDeviation: BigDecimal.BigDecimal
    /** How old what another provider says may be to compare with. None: only what is suspect is compared. */
    readonly guardCrossCheck: Option.Option<Duration.Duration>
    /** None: a provider may repeat the same digits for ever. */
    readonly guardMaxUnchanged: Option.Option<Duration.Duration>
    /** None: only an operator takes what was put aside. */
    readonly guardConfirmations: Option.Option<number>
    /** None: every origin may read. */
    readonly corsOrigins: Option.Option<ReadonlyArray<string>>
    /** How many streams one address may have open on a node; none: as many as it likes. */
    readonly streamsPerAddress: Option.Option<number>
    /** How long the server takes its leave before it stops. */
    readonly shutdownDelay: Duration.Duration
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

  const take = Effect.fnUntraced(function* <A>(definition: Definition<A>) {
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
  const flutterwaveClientId = yield* take(Definitions.FLUTTERWAVE_CLIENT_ID)
  const flutterwaveClientSecret = yield* take(Definitions.FLUTTERWAVE_CLIENT_SECRET)
  const fxApiKey = yield* take(Definitions.FX_API_KEY)
  const openExchangeRatesAppId = yield* take(Definitions.OPENEXCHANGERATES_APP_ID)
  const onlyV4 =
    Option.isNone(flutterwaveSecretKey) &&
    (Option.isSome(flutterwaveClientId) || Option.isSome(flutterwaveClientSecret))
  const providers = Option.getOrElse(
    yield* take(Definitions.PROVIDERS),
    (): NonEmptyReadonlyArray<Definitions.ProviderName> => [onlyV4 ? "flutterwave-v4" : "flutterwave"]
  )
  const has = (provider: Definitions.ProviderName) => providers.includes(provider)
  const sandbox = has("flutterwave") && providers.length === 1 && Option.isNone(flutterwaveSecretKey)
  const pollInterval = yield* take(Definitions.POLL_INTERVAL)
  const pollSpacing = yield* take(Definitions.POLL_SPACING)
  const cacheTtl = yield* take(Definitions.CACHE_TTL)

  const settings = {
    host: yield* take(Definitions.HOST),
    port: yield* take(Definitions.PORT),
    databaseUrl: secret(databaseUrl),
    dataDir: yield* take(Definitions.DATA_DIR),
    redisUrl: secret(yield* take(Definitions.REDIS_URL)),
    providers,
    sandbox,
    flutterwaveSecretKey: secret(flutterwaveSecretKey),
    flutterwaveBaseUrl: yield* take(Definitions.FLUTTERWAVE_BASE_URL),
    flutterwaveClientId: secret(flutterwaveClientId),
    flutterwaveClientSecret: secret(flutterwaveClientSecret),
    flutterwaveV4BaseUrl: yield* take(Definitions.FLUTTERWAVE_V4_BASE_URL),
    flutterwaveTokenUrl: yield* take(Definitions.FLUTTERWAVE_TOKEN_URL),
    fxApiKey: secret(fxApiKey),
    fixerBaseUrl: yield* take(Definitions.FIXER_BASE_URL),
    openExchangeRatesAppId: secret(openExchangeRatesAppId),
    openExchangeRatesBaseUrl: yield* take(Definitions.OPENEXCHANGERATES_BASE_URL),
    frankfurterBaseUrl: yield* take(Definitions.FRANKFURTER_BASE_URL),
    flutterwaveAmount: Decimal.format(yield* take(Definitions.FLUTTERWAVE_AMOUNT)),
    pairs: CurrencyPair.makeSupported(
      yield* take(Definitions.RATE_SOURCES),
      yield* take(Definitions.RATE_DESTINATIONS)
    ),
    pollInterval,
    // The sandbox in this process has nothing to be spared.
    pollSpacing: Option.getOrElse(pollSpacing, () => (sandbox ? Duration.zero : Duration.millis(500))),
    pollConcurrency: yield* take(Definitions.POLL_CONCURRENCY),
    cacheTtl: Option.getOrElse(cacheTtl, () =>
      Option.match(pollInterval, {
        onNone: () => Duration.seconds(120),
        onSome: (interval) => Duration.times(interval, 2)
      })
    ),
    staleAfter: yield* take(Definitions.STALE_AFTER),
    lookupBudget: yield* take(Definitions.LOOKUP_BUDGET),
    guardMaxJump: yield* take(Definitions.GUARD_MAX_JUMP),
    guardMaxDeviation: yield* take(Definitions.GUARD_MAX_DEVIATION),
    guardCrossCheck: yield* take(Definitions.GUARD_CROSS_CHECK),
    guardMaxUnchanged: yield* take(Definitions.GUARD_MAX_UNCHANGED),
    guardConfirmations: yield* take(Definitions.GUARD_CONFIRMATIONS),
    corsOrigins: yield* take(Definitions.CORS_ORIGINS),
    streamsPerAddress: yield* take(Definitions.STREAMS_PER_ADDRESS),
    shutdownDelay: yield* take(Definitions.SHUTDOWN_DELAY),
    margins: {
      standard: yield* take(Definitions.CONVERSION_MARGIN),
      byPair: yield* take(Definitions.CONVERSION_MARGINS)
    },
    // The sandbox's rates are worth nothing.
    openConversions: (yield* take(Definitions.ALLOW_ANONYMOUS_CONVERT)) || sandbox,
    auditSigningKey: secret(yield* take(Definitions.AUDIT_SIGNING_KEY)),
    logLevel: yield* take(Definitions.LOG_LEVEL),
    logFormat: yield* take(Definitions.LOG_FORMAT)
  }

  const miss = (name: string, allowed: string) => {
    if (!faults.some((fault) => fault.name === name)) faults.push({ name, found: "nothing", allowed })
  }
  if (production && !allowEmbedded) {
    const inProduction = (meaning: string) => `in production, a value (${meaning}), or ALLOW_EMBEDDED=true`
    if (Option.isNone(databaseUrl)) miss("DATABASE_URL", inProduction("else the embedded database"))
    if (sandbox) miss("FLUTTERWAVE_SECRET_KEY", inProduction("else the sandbox with made-up rates"))
  }
  if (sandbox && settings.flutterwaveBaseUrl !== Definitions.FLUTTERWAVE_BASE_URL.fallback) {
    miss(
      "FLUTTERWAVE_SECRET_KEY",
      "a key, since FLUTTERWAVE_BASE_URL is set, and without one the sandbox would answer instead"
    )
  }
  const needs: ReadonlyArray<readonly [Definitions.ProviderName, string, Option.Option<string>]> = [
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_ID", flutterwaveClientId],
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_SECRET", flutterwaveClientSecret],
    ["fixer", "FX_API_KEY", fxApiKey],
    ["openexchangerates", "OPENEXCHANGERATES_APP_ID", openExchangeRatesAppId]
  ]
  for (const [provider, name, value] of needs) {
    if (has(provider) && Option.isNone(value)) miss(name, `a value, since ${provider} is one of PROVIDERS`)
  }
  if (has("flutterwave") && !sandbox && Option.isNone(flutterwaveSecretKey)) {
    miss(
      "FLUTTERWAVE_SECRET_KEY",
      "a key, since flutterwave is one of PROVIDERS: the sandbox's made-up rates are not mixed with others"
    )
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

const secret = Option.map((text: string) => Redacted.make(text))

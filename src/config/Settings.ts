import { Config, Context, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { BigDecimal, LogLevel } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { IpNetwork } from "effect/net"
import * as CurrencyPair from "../domain/money/CurrencyPair.ts"
import type { Margins } from "../domain/conversion/Conversion.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import type { RateLimit } from "../domain/access/RateLimit.ts"
import type { Definition } from "./SettingDefinition.ts"
import * as Definitions from "./SettingDefinitions.ts"

/** One setting that cannot be used, and what could be. */
export const Fault = Schema.Struct({ name: Schema.String, found: Schema.String, allowed: Schema.String })

/** All the settings that cannot be used, in one message. */
export class InvalidSettings extends Schema.TaggedError<InvalidSettings>()("WrongSettings", {
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
    /** Where the database keeps no other one, which `PollCadence` knows. None: polling is off. */
    readonly pollInterval: Option.Option<Duration.Duration>
    readonly pollSpacing: Duration.Duration
    readonly pollConcurrency: number
    /** None: it follows the interval of polls. */
    readonly cacheTtl: Option.Option<Duration.Duration>
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
    /** The web origins whose pages are answered. None: all of them. */
    readonly corsOrigins: Option.Option<ReadonlyArray<string>>
    /** The proxies that are believed when they say for whom they ask. */
    readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
    /** How much one caller may read from a node; none: as much as it likes. */
    readonly readQuota: Option.Option<RateLimit>
    /** How much one caller may change, on all nodes together; none: as much as it likes. */
    readonly writeQuota: Option.Option<RateLimit>
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

/** What the `ConfigProvider` says, with the fallback in the place of each setting that cannot be used. */
export const inspect = Effect.gen(function* () {
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
  const pollSpacing = yield* take(Definitions.POLL_SPACING)

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
    pollInterval: yield* take(Definitions.POLL_INTERVAL),
    // The sandbox in this process has nothing to be spared.
    pollSpacing: Option.getOrElse(pollSpacing, () => (sandbox ? Duration.zero : Duration.millis(500))),
    pollConcurrency: yield* take(Definitions.POLL_CONCURRENCY),
    cacheTtl: yield* take(Definitions.CACHE_TTL),
    staleAfter: yield* take(Definitions.STALE_AFTER),
    lookupBudget: yield* take(Definitions.LOOKUP_BUDGET),
    guardMaxJump: yield* take(Definitions.GUARD_MAX_JUMP),
    guardMaxDeviation: yield* take(Definitions.GUARD_MAX_DEVIATION),
    guardCrossCheck: yield* take(Definitions.GUARD_CROSS_CHECK),
    guardMaxUnchanged: yield* take(Definitions.GUARD_MAX_UNCHANGED),
    guardConfirmations: yield* take(Definitions.GUARD_CONFIRMATIONS),
    corsOrigins: yield* take(Definitions.CORS_ORIGINS),
    streamsPerAddress: yield* take(Definitions.STREAMS_PER_ADDRESS),
    trustedProxies: yield* take(Definitions.TRUSTED_PROXIES),
    readQuota: yield* take(Definitions.RATE_LIMIT_READS),
    writeQuota: yield* take(Definitions.RATE_LIMIT_WRITES),
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
  return { settings: Settings.of(settings), faults, production }
})

const read = Effect.gen(function* () {
  const { faults, settings } = yield* inspect
  return faults.length > 0 ? yield* new InvalidSettings({ faults }) : settings
})

const secret = Option.map((text: string) => Redacted.make(text))

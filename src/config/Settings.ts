import { Config, Context, Duration, Effect, Layer, Option, Redacted } from "effect"
import type { BigDecimal, LogLevel } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { IpNetwork } from "effect/net"
import * as AssetPair from "../domain/money/AssetPair.ts"
import type { Margins } from "../domain/conversion/Margins.ts"
import * as Decimal from "../domain/money/Decimal.ts"
import { CurrencyCode } from "../domain/money/Currency.ts"
import type { RiskRules } from "../domain/risk/RiskRules.ts"
import type { RateLimit } from "../domain/access/RateLimit.ts"
import { InvalidSetting, InvalidSettings } from "./InvalidSettings.ts"
import * as OpenTelemetry from "./OpenTelemetrySettings.ts"
import type { SettingDefinition } from "./SettingDefinition.ts"
import * as Definitions from "./SettingDefinitions.ts"

export { InvalidSetting, InvalidSettings }

/**
 * The settings, read once at startup. `SettingDefinitions.ts` defines their names, defaults and descriptions, from which
 * `effex --help` is generated.
 */
export class Settings extends Context.Service<
  Settings,
  {
    readonly host: string
    readonly port: number
    /** URL of this server for its users. None: any. */
    readonly publicUrl: Option.Option<string>
    /** Serves the web app. */
    readonly web: boolean
    /** None: an embedded PostgreSQL under `dataDir`. */
    readonly databaseUrl: Option.Option<Redacted.Redacted>
    /** A streaming replica for reads. None: `databaseUrl` answers all reads. */
    readonly databaseReadUrl: Option.Option<Redacted.Redacted>
    /** Longest time that a read waits for the replica. */
    readonly databaseReadMaxLag: Duration.Duration
    readonly dataDir: string
    /** None: cache, streams and rate limits are local to the process. */
    readonly redisUrl: Option.Option<Redacted.Redacted>
    /** Text before the name of every key in Redis. */
    readonly redisPrefix: string
    /** Rate providers in failover order. */
    readonly providers: NonEmptyReadonlyArray<Definitions.ProviderName>
    /** If true, the built-in sandbox replaces Flutterwave as the only provider, and all rates are generated. */
    readonly sandbox: boolean
    readonly flutterwaveSecretKey: Option.Option<Redacted.Redacted>
    readonly flutterwaveBaseUrl: string
    readonly flutterwaveClientId: Option.Option<Redacted.Redacted>
    readonly flutterwaveClientSecret: Option.Option<Redacted.Redacted>
    readonly flutterwaveV4BaseUrl: string
    readonly flutterwaveTokenUrl: string
    /** Access key of Fixer. */
    readonly fxApiKey: Option.Option<Redacted.Redacted>
    readonly fixerBaseUrl: string
    readonly openExchangeRatesAppId: Option.Option<Redacted.Redacted>
    readonly openExchangeRatesBaseUrl: string
    readonly frankfurterBaseUrl: string
    /** Providers of the prices of assets that are not currencies. */
    readonly priceProviders: ReadonlyArray<Definitions.PriceProviderName>
    /** If true, the built-in sandbox generates the prices. */
    readonly priceSandbox: boolean
    readonly coinGeckoApiKey: Option.Option<Redacted.Redacted>
    readonly coinGeckoBaseUrl: string
    readonly massiveApiKey: Option.Option<Redacted.Redacted>
    readonly massiveBaseUrl: string
    /** Poll interval of prices. None: prices are not polled. */
    readonly pricePollInterval: Option.Option<Duration.Duration>
    /** Executes orders. `off`: orders are refused. */
    readonly exchange: Definitions.ExchangeName
    readonly alpacaKeyId: Option.Option<Redacted.Redacted>
    readonly alpacaSecretKey: Option.Option<Redacted.Redacted>
    readonly alpacaBaseUrl: string
    /** Destination amount of rate requests, in major units, as plain decimal text. */
    readonly flutterwaveAmount: string
    /** The pairs of RATE_SOURCES and RATE_DESTINATIONS. `AssetCatalog` has every supported pair. */
    readonly pairs: AssetPair.ConfiguredPairs
    /** Other ordered pairs of the configured currencies are fetched when they are asked for. */
    readonly rateOnDemand: boolean
    /** Poll interval unless the database overrides it (see `PollerSettings`). None: polling is off. */
    readonly pollInterval: Option.Option<Duration.Duration>
    readonly pollSpacing: Duration.Duration
    readonly pollConcurrency: number
    /** Maximum pairs, beyond those that are always polled, that the poller refreshes because they were asked for. */
    readonly pollRequested: number
    /** None: derived from the poll interval. */
    readonly cacheTtl: Option.Option<Duration.Duration>
    readonly staleAfter: Duration.Duration
    readonly lookupBudget: Duration.Duration
    /** Maximum change from the last good rate, and within 7 days, as a fraction. */
    readonly guardMaxJump: BigDecimal.BigDecimal
    /** Maximum change of the price of a cryptocurrency from the last good one, as a fraction. */
    readonly guardMaxJumpCrypto: BigDecimal.BigDecimal
    /** Maximum change of the price of a stock from the last good one, as a fraction. */
    readonly guardMaxJumpStock: BigDecimal.BigDecimal
    /** Maximum deviation from cross rates and from another provider, and sum of small changes, as a fraction. */
    readonly guardMaxDeviation: BigDecimal.BigDecimal
    /** Maximum factor between a first rate and its approximate rate. None: any. */
    readonly guardFirstRateFactor: Option.Option<BigDecimal.BigDecimal>
    /** Maximum age of another provider's rate for comparison. None: only suspicious rates are compared. */
    readonly guardCrossCheck: Option.Option<Duration.Duration>
    /** None: a provider may return the same value indefinitely. */
    readonly guardMaxUnchanged: Option.Option<Duration.Duration>
    /** None: only an operator can accept a quarantined rate. */
    readonly guardConfirmations: Option.Option<number>
    /** Allowed CORS origins. None: all. */
    readonly corsOrigins: Option.Option<ReadonlyArray<string>>
    /** Proxies whose `X-Forwarded-For` is trusted. */
    readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
    /** Read limit per caller and node. None: unlimited. */
    readonly readQuota: Option.Option<RateLimit>
    /** Write limit per caller, across all nodes. None: unlimited. */
    readonly writeQuota: Option.Option<RateLimit>
    /** Limit of provider calls that `max_age` of one caller demands. None: no limit. */
    readonly refreshQuota: Option.Option<RateLimit>
    /** Limit of provider calls of this node for pairs that are not polled. None: no limit. */
    readonly onDemandQuota: Option.Option<RateLimit>
    /** Smallest `max_age` of a caller without an API key. */
    readonly maxAgeFloor: Duration.Duration
    /** Maximum open streams per address and node. None: unlimited. */
    readonly streamsPerAddress: Option.Option<number>
    /** Time after a stop signal during which requests are still accepted while the readiness check fails. */
    readonly shutdownDelay: Duration.Duration
    /** Difference between the clocks of a node and of the database beyond which the node refuses writes. */
    readonly maxClockSkew: Duration.Duration
    readonly margins: Margins
    /** If true, conversions, quotes and audit records need no API key. */
    readonly openConversions: boolean
    /** Bearer token that the metrics require. */
    readonly metricsToken: Option.Option<Redacted.Redacted>
    /** Seed of the Ed25519 key that signs the audit log, in base64. None: a generated key in `dataDir`. */
    readonly auditSigningKey: Option.Option<Redacted.Redacted>
    /** File to which this node appends the signed heads. */
    readonly auditHeadsFile: Option.Option<string>
    /** URL to which the signed heads are posted. */
    readonly auditHeadsUrl: Option.Option<Redacted.Redacted>
    /** Seeds of the Ed25519 keys of access tokens; the first one signs. None: generated keys in `dataDir`. */
    readonly jwtSigningKeys: Option.Option<ReadonlyArray<Redacted.Redacted>>
    readonly accessTokenTtl: Duration.Duration
    /** Keys that encrypt the secrets of second factors; the first one encrypts. None: generated keys in `dataDir`. */
    readonly mfaEncryptionKeys: Option.Option<ReadonlyArray<Redacted.Redacted>>
    /** Time after which an unused session expires. */
    readonly refreshTokenTtl: Duration.Duration
    /** If false, only administrators create users. */
    readonly openRegistration: boolean
    /** Value from which an order is not pooled, in US dollars. */
    readonly aggregationThreshold: BigDecimal.BigDecimal
    /** Longest wait of an order in a pool. */
    readonly aggregationMaxWait: Duration.Duration
    /** Spread of orders, as a fraction. */
    readonly orderSpread: BigDecimal.BigDecimal
    /** Largest move of the market with which orders are still sent, as a fraction. */
    readonly orderMaxSlippage: BigDecimal.BigDecimal
    /** Oldest price at which an order is accepted or sent. */
    readonly orderMaxPriceAge: Duration.Duration
    /** Largest adjustment that needs no second administrator, in units of its asset. */
    readonly ledgerAdjustmentLimit: BigDecimal.BigDecimal
    /** Currency of the total value of a wallet: one of the configured pairs. */
    readonly homeCurrency: CurrencyCode
    /** Decides on deposits and withdrawals. `sandbox` credits money that was never paid. */
    readonly funding: "sandbox" | "manual"
    /** Rules for movements, unless the database overrides them (see `RiskRuleSettings`). */
    readonly riskRules: RiskRules
    readonly riskReviewExpiry: Duration.Duration
    /** Receiver of error reports. None: errors are only logged. */
    readonly sentryDsn: Option.Option<Redacted.Redacted>
    readonly sentryEnvironment: string
    readonly sentryServerName: Option.Option<string>
    readonly logLevel: LogLevel.LogLevel
    readonly logFormat: "pretty" | "json"
    /** The text of each setting that the environment sets, by name. `null` for a secret. */
    readonly given: ReadonlyMap<string, string | null>
  }
>()("effex/config/Settings") {
  /** Reads the settings from the `ConfigProvider`, the environment by default. */
  static readonly layer = Layer.effect(
    Settings,
    Effect.suspend(() => read)
  )
}

/** Reads the settings, with the default in place of each invalid one, and lists the invalid ones. */
export const inspect = Effect.gen(function* () {
  const invalid: Array<typeof InvalidSetting.Type> = []
  const given = new Map<string, string | null>()

  const take = Effect.fnUntraced(function* <A>(definition: SettingDefinition<A>) {
    const text = yield* Config.String(definition.name).pipe(Config.option, Effect.orDie)
    // Compose files and CI systems pass an unset variable as an empty one.
    if (Option.isNone(text) || text.value === "") return definition.defaultValue
    given.set(definition.name, definition.isSecret ? null : text.value)
    return Option.getOrElse(definition.parse(text.value), () => {
      const found = definition.isSecret ? "<redacted>" : JSON.stringify(text.value)
      invalid.push({ name: definition.name, found, allowed: definition.allowed })
      return definition.defaultValue
    })
  })

  const environment = yield* take(Definitions.NODE_ENV)
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
  const selected = Option.getOrUndefined(yield* take(Definitions.PROVIDERS))
  const sandbox =
    selected === Definitions.SANDBOX ||
    (selected === undefined && !onlyV4 && Option.isNone(flutterwaveSecretKey))
  const providers: NonEmptyReadonlyArray<Definitions.ProviderName> =
    selected === undefined || selected === Definitions.SANDBOX
      ? [onlyV4 ? "flutterwave-v4" : "flutterwave"]
      : selected
  const has = (provider: Definitions.ProviderName) => providers.includes(provider)
  const pollSpacing = yield* take(Definitions.POLL_SPACING)
  const coinGeckoApiKey = yield* take(Definitions.COINGECKO_API_KEY)
  const coinGeckoBaseUrl = yield* take(Definitions.COINGECKO_BASE_URL)
  const massiveApiKey = yield* take(Definitions.MASSIVE_API_KEY)
  const selectedPrices = Option.getOrUndefined(yield* take(Definitions.PRICE_PROVIDERS))
  const withKey: ReadonlyArray<Definitions.PriceProviderName> = [
    ...(Option.isSome(coinGeckoApiKey) ? (["coingecko"] as const) : []),
    ...(Option.isSome(massiveApiKey) ? (["massive"] as const) : [])
  ]
  const priceSandbox =
    selectedPrices === Definitions.SANDBOX ||
    (selectedPrices === undefined && sandbox && withKey.length === 0)
  const priceProviders = selectedPrices === Definitions.SANDBOX ? [] : (selectedPrices ?? withKey)
  const alpacaKeyId = yield* take(Definitions.ALPACA_KEY_ID)
  const alpacaSecretKey = yield* take(Definitions.ALPACA_SECRET_KEY)
  const selectedExchange = yield* take(Definitions.EXCHANGE)
  const hasAlpacaKey = Option.isSome(alpacaKeyId) || Option.isSome(alpacaSecretKey)
  const exchange = Option.getOrElse(selectedExchange, (): Definitions.ExchangeName =>
    hasAlpacaKey ? "alpaca" : sandbox && priceSandbox ? "sandbox" : "off"
  )
  const isDemoPlan =
    priceProviders.includes("coingecko") && new URL(coinGeckoBaseUrl).hostname === "api.coingecko.com"

  const pairs = AssetPair.configure(
    yield* take(Definitions.RATE_SOURCES),
    yield* take(Definitions.RATE_DESTINATIONS)
  )
  const isOffered = (code: CurrencyCode) => pairs.sources.includes(code) || pairs.destinations.includes(code)
  const selectedHome = yield* take(Definitions.HOME_CURRENCY)
  const homeCurrency = Option.getOrElse(selectedHome, () =>
    isOffered(DEFAULT_HOME) ? DEFAULT_HOME : (pairs.sources[0] ?? DEFAULT_HOME)
  )

  const selectedFunding = yield* take(Definitions.FUNDING)
  const settings = {
    host: yield* take(Definitions.HOST),
    port: yield* take(Definitions.PORT),
    publicUrl: yield* take(Definitions.PUBLIC_URL),
    web: yield* take(Definitions.WEB),
    databaseUrl: secret(databaseUrl),
    databaseReadUrl: secret(yield* take(Definitions.DATABASE_READ_URL)),
    databaseReadMaxLag: yield* take(Definitions.DATABASE_READ_MAX_LAG),
    dataDir: yield* take(Definitions.DATA_DIR),
    redisUrl: secret(yield* take(Definitions.REDIS_URL)),
    redisPrefix: yield* take(Definitions.REDIS_PREFIX),
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
    priceProviders,
    priceSandbox,
    coinGeckoApiKey: secret(coinGeckoApiKey),
    coinGeckoBaseUrl,
    massiveApiKey: secret(massiveApiKey),
    massiveBaseUrl: yield* take(Definitions.MASSIVE_BASE_URL),
    exchange,
    alpacaKeyId: secret(alpacaKeyId),
    alpacaSecretKey: secret(alpacaSecretKey),
    alpacaBaseUrl: yield* take(Definitions.ALPACA_BASE_URL),
    pricePollInterval: Option.getOrElse(yield* take(Definitions.PRICE_POLL_INTERVAL), () =>
      Option.some(Duration.minutes(isDemoPlan ? 5 : 1))
    ),
    flutterwaveAmount: Decimal.format(yield* take(Definitions.FLUTTERWAVE_AMOUNT)),
    pairs,
    rateOnDemand: yield* take(Definitions.RATE_ON_DEMAND),
    pollInterval: yield* take(Definitions.POLL_INTERVAL),
    // The in-process sandbox has no rate limit to respect.
    pollSpacing: Option.getOrElse(pollSpacing, () => (sandbox ? Duration.zero : Duration.millis(500))),
    pollConcurrency: yield* take(Definitions.POLL_CONCURRENCY),
    pollRequested: yield* take(Definitions.POLL_REQUESTED),
    cacheTtl: yield* take(Definitions.CACHE_TTL),
    staleAfter: yield* take(Definitions.STALE_AFTER),
    lookupBudget: yield* take(Definitions.LOOKUP_BUDGET),
    guardMaxJump: yield* take(Definitions.GUARD_MAX_JUMP),
    guardMaxJumpCrypto: yield* take(Definitions.GUARD_MAX_JUMP_CRYPTO),
    guardMaxJumpStock: yield* take(Definitions.GUARD_MAX_JUMP_STOCK),
    guardMaxDeviation: yield* take(Definitions.GUARD_MAX_DEVIATION),
    guardFirstRateFactor: yield* take(Definitions.GUARD_FIRST_RATE_FACTOR),
    guardCrossCheck: yield* take(Definitions.GUARD_CROSS_CHECK),
    guardMaxUnchanged: yield* take(Definitions.GUARD_MAX_UNCHANGED),
    guardConfirmations: yield* take(Definitions.GUARD_CONFIRMATIONS),
    corsOrigins: yield* take(Definitions.CORS_ORIGINS),
    streamsPerAddress: yield* take(Definitions.STREAMS_PER_ADDRESS),
    trustedProxies: yield* take(Definitions.TRUSTED_PROXIES),
    readQuota: yield* take(Definitions.RATE_LIMIT_READS),
    writeQuota: yield* take(Definitions.RATE_LIMIT_WRITES),
    refreshQuota: yield* take(Definitions.RATE_LIMIT_REFRESHES),
    onDemandQuota: yield* take(Definitions.ON_DEMAND_LIMIT),
    maxAgeFloor: yield* take(Definitions.MAX_AGE_FLOOR),
    shutdownDelay: yield* take(Definitions.SHUTDOWN_DELAY),
    maxClockSkew: yield* take(Definitions.MAX_CLOCK_SKEW),
    margins: {
      standard: yield* take(Definitions.CONVERSION_MARGIN),
      byPair: yield* take(Definitions.CONVERSION_MARGINS)
    },
    // Conversions at sandbox rates have no value to protect.
    openConversions: (yield* take(Definitions.ALLOW_ANONYMOUS_CONVERT)) || sandbox,
    metricsToken: secret(yield* take(Definitions.METRICS_TOKEN)),
    auditSigningKey: secret(yield* take(Definitions.AUDIT_SIGNING_KEY)),
    auditHeadsFile: yield* take(Definitions.AUDIT_HEADS_FILE),
    auditHeadsUrl: secret(yield* take(Definitions.AUDIT_HEADS_URL)),
    jwtSigningKeys: secrets(yield* take(Definitions.JWT_SIGNING_KEY)),
    mfaEncryptionKeys: secrets(yield* take(Definitions.MFA_ENCRYPTION_KEY)),
    accessTokenTtl: yield* take(Definitions.ACCESS_TOKEN_TTL),
    refreshTokenTtl: yield* take(Definitions.REFRESH_TOKEN_TTL),
    openRegistration: (yield* take(Definitions.REGISTRATION)) === "open",
    aggregationThreshold: yield* take(Definitions.AGGREGATION_THRESHOLD),
    aggregationMaxWait: yield* take(Definitions.AGGREGATION_MAX_WAIT),
    orderSpread: yield* take(Definitions.ORDER_SPREAD),
    orderMaxSlippage: yield* take(Definitions.ORDER_MAX_SLIPPAGE),
    orderMaxPriceAge: yield* take(Definitions.ORDER_MAX_PRICE_AGE),
    ledgerAdjustmentLimit: yield* take(Definitions.LEDGER_ADJUSTMENT_LIMIT),
    homeCurrency,
    funding: Option.getOrElse(selectedFunding, () => (sandbox ? "sandbox" : "manual")),
    riskRules: Definitions.rulesOf({
      hourCount: yield* take(Definitions.RISK_HOUR_COUNT),
      dayCount: yield* take(Definitions.RISK_DAY_COUNT),
      hourValue: yield* take(Definitions.RISK_HOUR_VALUE),
      dayValue: yield* take(Definitions.RISK_DAY_VALUE),
      assetHourCount: yield* take(Definitions.RISK_ASSET_HOUR_COUNT),
      assetDayCount: yield* take(Definitions.RISK_ASSET_DAY_COUNT),
      assetHourValue: yield* take(Definitions.RISK_ASSET_HOUR_VALUE),
      assetDayValue: yield* take(Definitions.RISK_ASSET_DAY_VALUE),
      unpriced: yield* take(Definitions.RISK_UNPRICED),
      reviewValue: yield* take(Definitions.RISK_REVIEW_VALUE),
      newAccountAge: yield* take(Definitions.RISK_NEW_ACCOUNT_AGE),
      newDeviceAge: yield* take(Definitions.RISK_NEW_DEVICE_AGE),
      balanceShare: yield* take(Definitions.RISK_BALANCE_SHARE),
      depositWindow: yield* take(Definitions.RISK_DEPOSIT_WINDOW),
      circularWindow: yield* take(Definitions.RISK_CIRCULAR_WINDOW),
      smallOrderValue: yield* take(Definitions.RISK_SMALL_ORDER_VALUE),
      smallOrders: yield* take(Definitions.RISK_SMALL_ORDERS),
      failedLogins: yield* take(Definitions.RISK_FAILED_LOGINS)
    }),
    riskReviewExpiry: yield* take(Definitions.RISK_REVIEW_EXPIRY),
    sentryDsn: secret(yield* take(Definitions.SENTRY_DSN)),
    sentryEnvironment: Option.getOrElse(yield* take(Definitions.SENTRY_ENVIRONMENT), () =>
      Option.getOrElse(environment, () => (sandbox ? "development" : "production"))
    ),
    sentryServerName: yield* take(Definitions.SENTRY_SERVER_NAME),
    logLevel: yield* take(Definitions.LOG_LEVEL),
    logFormat: yield* take(Definitions.LOG_FORMAT),
    given
  }

  const reportMissing = (name: string, allowed: string) => {
    if (!invalid.some((setting) => setting.name === name)) invalid.push({ name, found: "nothing", allowed })
  }
  const isProduction = (name: string) => name === "production"
  if (Option.exists(environment, isProduction) && !allowEmbedded) {
    const required = (value: string, fallback: string) =>
      `${value} (production does not use ${fallback}); or set ALLOW_EMBEDDED=true`
    if (Option.isNone(databaseUrl)) {
      reportMissing("DATABASE_URL", required(Definitions.DATABASE_URL.allowed, "the embedded database"))
    }
    if (sandbox) reportMissing("FLUTTERWAVE_SECRET_KEY", required("a key", "sandbox rates"))
    else if (priceSandbox)
      reportMissing("PRICE_PROVIDERS", required("coingecko, massive or off", "sandbox prices"))
    if (Option.contains(selectedExchange, "sandbox"))
      invalid.push({
        name: "EXCHANGE",
        found: JSON.stringify("sandbox"),
        allowed: required("alpaca or off", "the sandbox exchange")
      })
    if (Option.contains(selectedFunding, "sandbox"))
      invalid.push({
        name: "FUNDING",
        found: JSON.stringify("sandbox"),
        allowed: required("manual", "sandbox money")
      })
  }
  if (Option.isSome(settings.databaseReadUrl) && Option.isNone(databaseUrl)) {
    reportMissing("DATABASE_URL", "the URL of the primary, because DATABASE_READ_URL is set")
  }
  // Without PROVIDERS, a setting of a real provider must not lead to generated rates.
  if (sandbox && selected === undefined) {
    if (settings.flutterwaveBaseUrl !== Definitions.FLUTTERWAVE_BASE_URL.defaultValue) {
      reportMissing(
        "FLUTTERWAVE_SECRET_KEY",
        "a key, because FLUTTERWAVE_BASE_URL is set; or PROVIDERS=sandbox for generated rates"
      )
    }
    const configured = [
      ...(Option.isSome(fxApiKey) ? [["fixer", "FX_API_KEY"] as const] : []),
      ...(Option.isSome(openExchangeRatesAppId)
        ? [["openexchangerates", "OPENEXCHANGERATES_APP_ID"] as const]
        : [])
    ]
    if (configured.length > 0) {
      const names = configured.map(([provider]) => provider).join(",")
      const because =
        configured.map(([, name]) => name).join(" and ") + (configured.length > 1 ? " are set" : " is set")
      reportMissing(
        "PROVIDERS",
        `${names}, because ${because} without FLUTTERWAVE_SECRET_KEY; or sandbox for generated rates`
      )
    }
  }
  const needs: ReadonlyArray<readonly [Definitions.ProviderName, string, Option.Option<string>]> = [
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_ID", flutterwaveClientId],
    ["flutterwave-v4", "FLUTTERWAVE_CLIENT_SECRET", flutterwaveClientSecret],
    ["fixer", "FX_API_KEY", fxApiKey],
    ["openexchangerates", "OPENEXCHANGERATES_APP_ID", openExchangeRatesAppId]
  ]
  for (const [provider, name, value] of needs) {
    if (has(provider) && Option.isNone(value)) {
      reportMissing(name, `a value, because PROVIDERS includes ${provider}`)
    }
  }
  if (priceProviders.includes("massive") && Option.isNone(massiveApiKey)) {
    reportMissing("MASSIVE_API_KEY", "a value, because PRICE_PROVIDERS includes massive")
  }
  if (exchange === "alpaca") {
    const because = Option.isSome(selectedExchange)
      ? "EXCHANGE is alpaca"
      : `${Option.isSome(alpacaKeyId) ? "ALPACA_KEY_ID" : "ALPACA_SECRET_KEY"} is set`
    if (Option.isNone(alpacaKeyId)) reportMissing("ALPACA_KEY_ID", `a value, because ${because}`)
    if (Option.isNone(alpacaSecretKey)) reportMissing("ALPACA_SECRET_KEY", `a value, because ${because}`)
    if (priceSandbox)
      reportMissing(
        "PRICE_PROVIDERS",
        `coingecko, massive or off, because ${because}; orders at an exchange are never priced by the sandbox`
      )
  }
  if (has("flutterwave") && !sandbox && Option.isNone(flutterwaveSecretKey)) {
    reportMissing(
      "FLUTTERWAVE_SECRET_KEY",
      "a key, because PROVIDERS includes flutterwave; sandbox rates are never mixed with real ones"
    )
  }
  if (settings.pairs.all.length === 0) {
    invalid.push({
      name: "RATE_DESTINATIONS",
      found: "no supported pair",
      allowed: "at least one currency that differs from a currency in RATE_SOURCES"
    })
  }
  if (Option.isSome(selectedHome) && !isOffered(selectedHome.value)) {
    const { allowed, name } = Definitions.HOME_CURRENCY
    invalid.push({ name, found: JSON.stringify(selectedHome.value), allowed })
  }
  const production = Option.match(environment, { onNone: () => !sandbox, onSome: isProduction })
  return { settings: Settings.of(settings), invalid, production }
})

const DEFAULT_HOME = CurrencyCode.make("USD")

const read = Effect.gen(function* () {
  const { invalid: ofEffex, settings } = yield* inspect
  // Read by the telemetry, but reported together: one start names every invalid setting.
  const { invalid: ofTelemetry } = yield* OpenTelemetry.inspect
  const invalid = [...ofEffex, ...ofTelemetry]
  return invalid.length > 0 ? yield* new InvalidSettings({ invalid }) : settings
})

const secret = Option.map((text: string) => Redacted.make(text))
const secrets = Option.map((texts: ReadonlyArray<string>) => texts.map((text) => Redacted.make(text)))

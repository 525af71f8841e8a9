import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import * as SettingsHelp from "../../src/cli/SettingsHelp.ts"
import * as Definitions from "../../src/config/SettingDefinitions.ts"
import { comparable, read } from "./ComparableSettings.ts"

const durations = [
  "",
  "10",
  "10m",
  "-1 seconds",
  "1.5 seconds",
  "10 Minutes",
  "1 week",
  "Infinity",
  "1e1 seconds"
]
const numbers = ["-1", "1.5", "1e1", " 1", "1 ", "0x10", "ten", "NaN", "9999999"]
/** Neither one nor two keys of 32 bytes. */
const rotatedKeys = [
  " ",
  "AAAA",
  "A".repeat(43),
  "0".repeat(64),
  `${"A".repeat(43)}=,`,
  `${"A".repeat(43)}=,${"A".repeat(43)}=`,
  [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString("base64")).join()
]

const quotas = [
  "0/minute",
  "-1/minute",
  "1.5/minute",
  "1e3/minute",
  "1000001/minute",
  "600",
  "600/",
  "600/month",
  "600/0 seconds",
  "600/25 hours",
  "600 / minute",
  "600/minute ",
  "600 per minute",
  "unlimited"
]
const counts = [...numbers, "0", "1000000", "off"]
const values = ["-1", "1e3", "NaN", "100 USD", "0.0000000000000000001", "off"]
const percentages = ["0", "0%", "0.09%", "1001%", "10.1", "20", "20 %", "%", "-5%", "1e-1", ".2", "off"]
const codes = ["usd,xxx", "US", "USD,,EUR", "USD;EUR", "USD,EUR,", "USDT", "*", "USD:NGN"]
const urls = ["localhost", "//host", "ftp://host", "file:///etc/passwd", "javascript:alert(1)", "host:80"]
const baseUrls = [...urls, " http://host", "http://host ", "http://host?x=1", "https://host/#x", "http://"]
const keys = [" ", "FLWSECK x", "FLWSECK\n", "clé", "\u0000"]

/** Invalid values of each setting. Empty text is skipped, because it means "not set". */
const invalidValues: Readonly<Record<string, ReadonlyArray<string>>> = {
  WEB: ["yes", "true", "1"],
  HOST: ["a b", "http://host", "host/path", "höst", "a,b", "a\n"],
  PORT: [...numbers, "65536"],
  PUBLIC_URL: [...urls, "https://host/path", "https://host?x", "https://user@host", "https://h,https://g"],
  DATABASE_URL: [...urls, "http://host/db", "mysql://host/db", " postgres://host/db", "postgres://host/db\n"],
  DATABASE_READ_URL: [...urls, "http://host/db", "mysql://host/db"],
  DATABASE_READ_MAX_LAG: ["1", "0 millis", "9 millis", "4 seconds", "off"],
  REDIS_URL: [...urls, "http://host", "localhost:6379", "redis://host ", "rediss//host"],
  REDIS_PREFIX: [" ", "a b", "staging\n", "{a}", "é:", "*", "a".repeat(65)],
  PROVIDERS: [
    "fluterwave",
    "flutterwave,",
    ",",
    "fixer fixer",
    "fixer,fixer",
    "fixer;frankfurter",
    "sandbox,frankfurter",
    "*"
  ],
  FLUTTERWAVE_SECRET_KEY: keys,
  FLUTTERWAVE_BASE_URL: baseUrls,
  FLUTTERWAVE_CLIENT_ID: keys,
  FLUTTERWAVE_CLIENT_SECRET: keys,
  FLUTTERWAVE_V4_BASE_URL: baseUrls,
  FLUTTERWAVE_TOKEN_URL: baseUrls,
  FX_API_KEY: keys,
  FIXER_BASE_URL: baseUrls,
  OPENEXCHANGERATES_APP_ID: keys,
  OPENEXCHANGERATES_BASE_URL: baseUrls,
  FRANKFURTER_BASE_URL: baseUrls,
  PRICE_PROVIDERS: ["coingeko", "coingecko,", "coingecko,coingecko", "massive,sandbox", "off,massive", "*"],
  COINGECKO_API_KEY: keys,
  COINGECKO_BASE_URL: baseUrls,
  MASSIVE_API_KEY: keys,
  MASSIVE_BASE_URL: baseUrls,
  EXCHANGE: ["paper", "alpaca,sandbox", "none", "*"],
  ALPACA_KEY_ID: keys,
  ALPACA_SECRET_KEY: keys,
  ALPACA_BASE_URL: baseUrls,
  PRICE_POLL_INTERVAL: [...durations, "9 seconds", "25 hours", "never"],
  FLUTTERWAVE_AMOUNT: ["0", "-1", "1.5", "1.0", "1e6", "01", "1 000", "1,000", "1000000000000", "NaN"],
  RATE_SOURCES: codes,
  RATE_DESTINATIONS: codes,
  RATE_ON_DEMAND: ["1", "0", "yes", "on", "t", " true"],
  POLL_INTERVAL: [...durations, "0 seconds", "999 millis", "25 hours", "2 days", "on", "never"],
  POLL_SPACING: [...durations, "61 seconds", "2 minutes", "off"],
  POLL_CONCURRENCY: [...numbers, "0", "65"],
  POLL_REQUESTED: [...numbers, "1001"],
  CACHE_TTL: [...durations, "0 seconds", "999 millis", "31 days", "off"],
  STALE_AFTER: [...durations, "0 seconds", "999 millis", "31 days", "off"],
  SHUTDOWN_DELAY: [...durations, "301 seconds", "6 minutes", "off"],
  LOOKUP_BUDGET: [...durations, "0 millis", "31 seconds", "1 minute", "off"],
  GUARD_MAX_JUMP: percentages,
  GUARD_MAX_JUMP_CRYPTO: percentages,
  GUARD_MAX_JUMP_STOCK: percentages,
  GUARD_MAX_DEVIATION: percentages,
  GUARD_FIRST_RATE_FACTOR: [...numbers, "0", "1", "1001", "never"],
  GUARD_CROSS_CHECK: [...durations, "59 seconds", "2 days", "never"],
  GUARD_MAX_UNCHANGED: [...durations, "59 minutes", "31 days", "never"],
  GUARD_CONFIRMATIONS: [...numbers, "0", "1", "1001", "never"],
  CORS_ORIGINS: [
    ...urls,
    "https://a.example.com/",
    "https://a.example.com/path",
    "a.example.com",
    "*,*",
    "https://a,"
  ],
  TRUSTED_PROXIES: ["proxy", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.1,", "*", "true", "10.0.0.1:80"],
  RATE_LIMIT_READS: quotas,
  RATE_LIMIT_WRITES: quotas,
  STREAMS_PER_ADDRESS: ["0", "-1", "1000000", "1.5", "1e3", "unlimited", " 5"],
  NODE_ENV: ["prod", "live", "production ", "1"],
  MAX_CLOCK_SKEW: [...durations, "999 millis", "25 hours", "off"],
  LOG_LEVEL: ["verbose", "all", "information", "warning", "0", " info"],
  LOG_FORMAT: ["text", "logfmt", "json ", "0"],
  ALLOW_EMBEDDED: ["1", "0", "yes", "on", "t", " true"],
  CONVERSION_MARGIN: ["1", "1.0", "-0.005", "0,005", "5e-3", ".005", "0.5%", "NaN", "0.0000000000001"],
  CONVERSION_MARGINS: [
    "0.01",
    "USD:NGN",
    "USD:NGN=",
    "USD:NGN=1",
    "USD:NGN=-0.01",
    "USD-NGN=0.01",
    "USD:XXX=0.01",
    "USD:NGN=0.01,",
    "USD:NGN=0.01;USD:KES=0.01",
    "USDNGN=0.01"
  ],
  ALLOW_ANONYMOUS_CONVERT: ["1", "yes", "no"],
  RATE_LIMIT_REFRESHES: quotas,
  ON_DEMAND_LIMIT: quotas,
  MAX_AGE_FLOOR: [...durations, "2 days", "off"],
  METRICS_TOKEN: ["short", "0123456789 abcdef", "a".repeat(257)],
  JWT_SIGNING_KEY: rotatedKeys,
  MFA_ENCRYPTION_KEY: rotatedKeys,
  ACCESS_TOKEN_TTL: [...durations, "29 seconds", "61 minutes", "off"],
  REFRESH_TOKEN_TTL: [...durations, "59 minutes", "366 days", "off"],
  REGISTRATION: ["true", "off", "invite", "open,closed"],
  LEDGER_ADJUSTMENT_LIMIT: ["-1", "1e3", "NaN", "100 USD", "0.0000000000000000001"],
  FUNDING: ["off", "true", "bank", "sandbox,manual"],
  AGGREGATION_THRESHOLD: ["-1", "10.001", "1000000.01", "1e3", "10 USD", "off"],
  AGGREGATION_MAX_WAIT: [...durations, "0 seconds", "999 millis", "2 days", "off"],
  ORDER_SPREAD: ["1", "-0.005", "5e-3", "0.5%", "NaN", "0.0000000000001"],
  ORDER_MAX_SLIPPAGE: percentages,
  ORDER_MAX_PRICE_AGE: [...durations, "0 seconds", "999 millis", "2 days", "off"],
  HOME_CURRENCY: ["US", "XXX", "BTC", "JPY", "USD,EUR"],
  RISK_HOUR_COUNT: counts,
  RISK_DAY_COUNT: counts,
  RISK_HOUR_VALUE: values,
  RISK_DAY_VALUE: values,
  RISK_ASSET_HOUR_COUNT: counts,
  RISK_ASSET_DAY_COUNT: counts,
  RISK_ASSET_HOUR_VALUE: values,
  RISK_ASSET_DAY_VALUE: values,
  RISK_UNPRICED: ["reject", "off", "review,deny"],
  RISK_REVIEW_VALUE: values,
  RISK_NEW_ACCOUNT_AGE: [...durations, "0 seconds", "366 days", "off"],
  RISK_NEW_DEVICE_AGE: [...durations, "0 seconds", "366 days", "off"],
  RISK_BALANCE_SHARE: ["0", "1.1", "-0.5", "80%", "0.1234567"],
  RISK_DEPOSIT_WINDOW: [...durations, "0 seconds", "366 days", "off"],
  RISK_CIRCULAR_WINDOW: [...durations, "0 seconds", "366 days", "off"],
  RISK_SMALL_ORDER_VALUE: values,
  RISK_SMALL_ORDERS: counts,
  RISK_FAILED_LOGINS: counts,
  RISK_REVIEW_EXPIRY: [...durations, "0 seconds", "366 days", "off"],
  CONVERSION_MAX_SLIPPAGE: percentages,
  AUDIT_SIGNING_KEY: [" ", "AAAA", `${"A".repeat(42)}=`, `${"A".repeat(44)}`, "0".repeat(64), "A".repeat(86)],
  SENTRY_DSN: [
    "https://sentry.example.org/1",
    "https://key@sentry.example.org",
    "https://key@sentry.example.org/project",
    "ftp://key@sentry.example.org/1",
    "https://k%20ey@sentry.example.org/1"
  ],
  SENTRY_ENVIRONMENT: ["my staging", "a/b", "x".repeat(65)],
  SENTRY_SERVER_NAME: ["node 1", "a/b", "x".repeat(65)],
  AUDIT_HEADS_URL: ["example.com/heads", "ftp://example.com", "https://example.com/a b"]
}

/** Settings that accept any text. */
const acceptAnyText = ["DATA_DIR", "AUDIT_HEADS_FILE"]

/** Other settings that a setting requires. */
const requires: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  FLUTTERWAVE_BASE_URL: { FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" },
  FX_API_KEY: { PROVIDERS: "fixer" },
  OPENEXCHANGERATES_APP_ID: { PROVIDERS: "openexchangerates" },
  PROVIDERS: {
    FLUTTERWAVE_SECRET_KEY: "FLWSECK-1",
    FLUTTERWAVE_CLIENT_ID: "id",
    FLUTTERWAVE_CLIENT_SECRET: "secret",
    FX_API_KEY: "key",
    OPENEXCHANGERATES_APP_ID: "id"
  },
  PRICE_PROVIDERS: { MASSIVE_API_KEY: "key" },
  EXCHANGE: { ALPACA_KEY_ID: "PK1", ALPACA_SECRET_KEY: "secret", PRICE_PROVIDERS: "off" },
  ALPACA_KEY_ID: { ALPACA_SECRET_KEY: "secret", PRICE_PROVIDERS: "off" },
  ALPACA_SECRET_KEY: { ALPACA_KEY_ID: "PK1", PRICE_PROVIDERS: "off" },
  FLUTTERWAVE_CLIENT_ID: { FLUTTERWAVE_CLIENT_SECRET: "secret" },
  FLUTTERWAVE_CLIENT_SECRET: { FLUTTERWAVE_CLIENT_ID: "id" }
}

/** Valid values, and the resulting field of `Settings`. */
const validValues: ReadonlyArray<readonly [name: string, text: string, field: string, value: unknown]> = [
  ["HOST", "0.0.0.0", "host", "0.0.0.0"],
  ["WEB", "OFF", "web", false],
  ["HOST", "::1", "host", "::1"],
  ["HOST", "effex.internal", "host", "effex.internal"],
  ["PORT", "0", "port", 0],
  ["PORT", "65535", "port", 65535],
  ["PUBLIC_URL", "https://fx.example.com/", "publicUrl", "https://fx.example.com"],
  ["PUBLIC_URL", "http://fx.internal:8000", "publicUrl", "http://fx.internal:8000"],
  ["DATABASE_URL", "postgres://u:p@h:5432/d", "databaseUrl", "postgres://u:p@h:5432/d"],
  ["DATABASE_URL", "postgresql:///d?host=/tmp", "databaseUrl", "postgresql:///d?host=/tmp"],
  ["DATABASE_READ_MAX_LAG", "10 millis", "databaseReadMaxLag", "10 millis"],
  ["DATA_DIR", "/var/lib/effex data", "dataDir", "/var/lib/effex data"],
  ["REDIS_URL", "redis://h:6379/1", "redisUrl", "redis://h:6379/1"],
  ["REDIS_URL", "rediss://u:p@h", "redisUrl", "rediss://u:p@h"],
  ["REDIS_PREFIX", "staging:", "redisPrefix", "staging:"],
  ["PROVIDERS", "frankfurter", "providers", "frankfurter"],
  [
    "PROVIDERS",
    "Fixer, flutterwave-v4,FLUTTERWAVE,frankfurter,openexchangerates",
    "providers",
    "fixer,flutterwave-v4,flutterwave,frankfurter,openexchangerates"
  ],
  ["FLUTTERWAVE_CLIENT_ID", "0a1b", "flutterwaveClientId", "0a1b"],
  ["FLUTTERWAVE_CLIENT_SECRET", "s3cr+t/==", "flutterwaveClientSecret", "s3cr+t/=="],
  [
    "FLUTTERWAVE_V4_BASE_URL",
    "https://developersandbox-api.flutterwave.com/",
    "flutterwaveV4BaseUrl",
    "https://developersandbox-api.flutterwave.com"
  ],
  [
    "FLUTTERWAVE_TOKEN_URL",
    "http://127.0.0.1:8100/token",
    "flutterwaveTokenUrl",
    "http://127.0.0.1:8100/token"
  ],
  ["FX_API_KEY", "0123456789abcdef", "fxApiKey", "0123456789abcdef"],
  ["FIXER_BASE_URL", "https://api.apilayer.com/fixer/", "fixerBaseUrl", "https://api.apilayer.com/fixer"],
  ["OPENEXCHANGERATES_APP_ID", "0123abcd", "openExchangeRatesAppId", "0123abcd"],
  ["OPENEXCHANGERATES_BASE_URL", "http://h:1/api//", "openExchangeRatesBaseUrl", "http://h:1/api"],
  ["FRANKFURTER_BASE_URL", "http://frankfurter:8080/v2", "frankfurterBaseUrl", "http://frankfurter:8080/v2"],
  ["PRICE_PROVIDERS", "Massive,coingecko", "priceProviders", "massive,coingecko"],
  ["PRICE_PROVIDERS", "OFF", "priceProviders", ""],
  ["PRICE_PROVIDERS", "sandbox", "priceSandbox", true],
  ["COINGECKO_API_KEY", "CG-0123456789abcdef", "coinGeckoApiKey", "CG-0123456789abcdef"],
  ["COINGECKO_API_KEY", "CG-0123456789abcdef", "priceProviders", "coingecko"],
  [
    "COINGECKO_BASE_URL",
    "https://pro-api.coingecko.com/api/v3/",
    "coinGeckoBaseUrl",
    "https://pro-api.coingecko.com/api/v3"
  ],
  ["MASSIVE_API_KEY", "0123456789abcdef", "massiveApiKey", "0123456789abcdef"],
  ["MASSIVE_API_KEY", "0123456789abcdef", "priceProviders", "massive"],
  ["MASSIVE_BASE_URL", "https://api.polygon.io", "massiveBaseUrl", "https://api.polygon.io"],
  ["EXCHANGE", "Alpaca", "exchange", "alpaca"],
  ["EXCHANGE", "sandbox", "exchange", "sandbox"],
  ["EXCHANGE", "off", "exchange", "off"],
  ["ALPACA_KEY_ID", "PKABCDEFGH", "alpacaKeyId", "PKABCDEFGH"],
  ["ALPACA_KEY_ID", "PKABCDEFGH", "exchange", "alpaca"],
  ["ALPACA_SECRET_KEY", "s3cr+t/==", "alpacaSecretKey", "s3cr+t/=="],
  ["ALPACA_BASE_URL", "https://api.alpaca.markets/v2/", "alpacaBaseUrl", "https://api.alpaca.markets"],
  ["ALPACA_BASE_URL", "http://127.0.0.1:8100/alpaca", "alpacaBaseUrl", "http://127.0.0.1:8100/alpaca"],
  ["PRICE_POLL_INTERVAL", "10 seconds", "pricePollInterval", "10000 millis"],
  ["PRICE_POLL_INTERVAL", "Off", "pricePollInterval", "none"],
  ["FLUTTERWAVE_SECRET_KEY", "FLWSECK-12ab-X", "flutterwaveSecretKey", "FLWSECK-12ab-X"],
  ["FLUTTERWAVE_BASE_URL", "http://127.0.0.1:8100", "flutterwaveBaseUrl", "http://127.0.0.1:8100"],
  [
    "FLUTTERWAVE_BASE_URL",
    "https://mock.example.com/fw//",
    "flutterwaveBaseUrl",
    "https://mock.example.com/fw"
  ],
  ["FLUTTERWAVE_BASE_URL", "https://host/v3", "flutterwaveBaseUrl", "https://host"],
  ["FLUTTERWAVE_AMOUNT", "1", "flutterwaveAmount", "1"],
  ["FLUTTERWAVE_AMOUNT", "999999999999", "flutterwaveAmount", "999999999999"],
  ["RATE_SOURCES", "eur, Usd,EUR", "sources", "EUR,USD"],
  ["RATE_DESTINATIONS", "ngn", "destinations", "NGN"],
  ["RATE_ON_DEMAND", "False", "rateOnDemand", false],
  ["POLL_INTERVAL", "1 second", "pollInterval", "1000 millis"],
  ["POLL_INTERVAL", "1 day", "pollInterval", "86400000 millis"],
  ["POLL_INTERVAL", "OFF", "pollInterval", "none"],
  ["POLL_SPACING", "0 millis", "pollSpacing", "0 millis"],
  ["POLL_SPACING", "1 minute", "pollSpacing", "60000 millis"],
  ["POLL_CONCURRENCY", "64", "pollConcurrency", 64],
  ["POLL_REQUESTED", "0", "pollRequested", 0],
  ["CACHE_TTL", "30 days", "cacheTtl", "2592000000 millis"],
  ["STALE_AFTER", "1 second", "staleAfter", "1000 millis"],
  ["SHUTDOWN_DELAY", "0 seconds", "shutdownDelay", "0 millis"],
  ["SHUTDOWN_DELAY", "5 minutes", "shutdownDelay", "300000 millis"],
  ["LOOKUP_BUDGET", "1 millis", "lookupBudget", "1 millis"],
  ["LOOKUP_BUDGET", "30 seconds", "lookupBudget", "30000 millis"],
  ["GUARD_MAX_JUMP", "7.5%", "guardMaxJump", "0.075"],
  ["GUARD_MAX_JUMP", "0.35", "guardMaxJump", "0.35"],
  ["GUARD_MAX_JUMP_CRYPTO", "80%", "guardMaxJumpCrypto", "0.8"],
  ["GUARD_MAX_JUMP_STOCK", "0.25", "guardMaxJumpStock", "0.25"],
  ["GUARD_MAX_DEVIATION", "1000%", "guardMaxDeviation", "10"],
  ["GUARD_FIRST_RATE_FACTOR", "30", "guardFirstRateFactor", "30"],
  ["GUARD_FIRST_RATE_FACTOR", "off", "guardFirstRateFactor", "none"],
  ["GUARD_CROSS_CHECK", "1 day", "guardCrossCheck", "86400000 millis"],
  ["GUARD_CROSS_CHECK", "off", "guardCrossCheck", "none"],
  ["GUARD_MAX_UNCHANGED", "30 days", "guardMaxUnchanged", "2592000000 millis"],
  ["GUARD_MAX_UNCHANGED", "Off", "guardMaxUnchanged", "none"],
  ["GUARD_CONFIRMATIONS", "2", "guardConfirmations", 2],
  ["GUARD_CONFIRMATIONS", "off", "guardConfirmations", "none"],
  ["CORS_ORIGINS", "*", "corsOrigins", "none"],
  ["CORS_ORIGINS", "https://a.b, http://c:81", "corsOrigins", "https://a.b,http://c:81"],
  ["STREAMS_PER_ADDRESS", "1", "streamsPerAddress", 1],
  ["TRUSTED_PROXIES", "10.0.0.0/8, ::1,192.0.2.7", "trustedProxies", "10.0.0.0/8,::1/128,192.0.2.7/32"],
  ["RATE_LIMIT_READS", "1/second", "readQuota", "1 in 1000 millis"],
  ["RATE_LIMIT_READS", "1000000/1 day", "readQuota", "1000000 in 86400000 millis"],
  ["RATE_LIMIT_READS", "off", "readQuota", "none"],
  ["RATE_LIMIT_WRITES", "50/10 Seconds", "writeQuota", "50 in 10000 millis"],
  ["RATE_LIMIT_WRITES", "OFF", "writeQuota", "none"],
  ["STREAMS_PER_ADDRESS", "OFF", "streamsPerAddress", "none"],
  ["CONVERSION_MARGIN", "0", "margin", "0"],
  ["CONVERSION_MARGIN", "0.999999999999", "margin", "0.999999999999"],
  ["CONVERSION_MARGINS", "usd:ngn=0.010, EUR:KES=0", "margins", "USD:NGN=0.01,EUR:KES=0"],
  ["ALLOW_ANONYMOUS_CONVERT", "True", "openConversions", true],
  ["METRICS_TOKEN", "0123456789abcdef", "metricsToken", "0123456789abcdef"],
  ["FLUTTERWAVE_SECRET_KEY", "FLWSECK-1", "openConversions", false],
  ["AUDIT_SIGNING_KEY", `${"A".repeat(43)}=`, "auditSigningKey", `${"A".repeat(43)}=`],
  ["SENTRY_DSN", "https://key@a.b/prefix/1", "sentryDsn", "https://key@a.b/prefix/1"],
  ["SENTRY_ENVIRONMENT", "staging", "sentryEnvironment", "staging"],
  ["NODE_ENV", "test", "sentryEnvironment", "test"],
  ["FLUTTERWAVE_SECRET_KEY", "FLWSECK-1", "sentryEnvironment", "production"],
  ["SENTRY_SERVER_NAME", "node-1", "sentryServerName", "node-1"],
  ["AUDIT_HEADS_FILE", "/var/heads.ndjson", "auditHeadsFile", "/var/heads.ndjson"],
  ["AUDIT_HEADS_URL", "https://a.b/heads?token=1", "auditHeadsUrl", "https://a.b/heads?token=1"],
  ["JWT_SIGNING_KEY", `${"A".repeat(43)}=`, "jwtSigningKeys", `${"A".repeat(43)}=`],
  [
    "JWT_SIGNING_KEY",
    `${"A".repeat(43)}=, B${"A".repeat(42)}=`,
    "jwtSigningKeys",
    `${"A".repeat(43)}=,B${"A".repeat(42)}=`
  ],
  ["MFA_ENCRYPTION_KEY", `${"A".repeat(43)}=`, "mfaEncryptionKeys", `${"A".repeat(43)}=`],
  ["ACCESS_TOKEN_TTL", "1 minute", "accessTokenTtl", "60000 millis"],
  ["REFRESH_TOKEN_TTL", "7 days", "refreshTokenTtl", "604800000 millis"],
  ["REGISTRATION", "Closed", "openRegistration", false],
  ["LEDGER_ADJUSTMENT_LIMIT", "100.50", "ledgerAdjustmentLimit", "100.5"],
  ["HOME_CURRENCY", "ngn", "homeCurrency", "NGN"],
  ["FUNDING", "Manual", "funding", "manual"],
  ["AGGREGATION_THRESHOLD", "0", "aggregationThreshold", "0"],
  ["AGGREGATION_THRESHOLD", "1000000", "aggregationThreshold", "1000000"],
  ["AGGREGATION_MAX_WAIT", "1 second", "aggregationMaxWait", "1000 millis"],
  ["ORDER_SPREAD", "0", "orderSpread", "0"],
  ["ORDER_MAX_SLIPPAGE", "0.5%", "orderMaxSlippage", "0.005"],
  ["ORDER_MAX_PRICE_AGE", "1 day", "orderMaxPriceAge", "86400000 millis"],
  ["RISK_HOUR_COUNT", "5", "riskRules.velocity.hour_count", 5],
  ["RISK_DAY_COUNT", "50", "riskRules.velocity.day_count", 50],
  ["RISK_HOUR_VALUE", "0.5", "riskRules.velocity.hour_value", "0.5"],
  ["RISK_DAY_VALUE", "0", "riskRules.velocity.day_value", "0"],
  ["RISK_ASSET_HOUR_COUNT", "5", "riskRules.asset_velocity.hour_count", 5],
  ["RISK_ASSET_DAY_COUNT", "50", "riskRules.asset_velocity.day_count", 50],
  ["RISK_ASSET_HOUR_VALUE", "10", "riskRules.asset_velocity.hour_value", "10"],
  ["RISK_ASSET_DAY_VALUE", "100", "riskRules.asset_velocity.day_value", "100"],
  ["RISK_UNPRICED", "Deny", "riskRules.velocity.unpriced", "deny"],
  ["RISK_REVIEW_VALUE", "500", "riskRules.circular_transfer.min_value", "500"],
  ["RISK_NEW_ACCOUNT_AGE", "2 hours", "riskRules.new_account.max_age", "2 hours"],
  ["RISK_NEW_DEVICE_AGE", "5 minutes", "riskRules.new_device.max_age", "5 minutes"],
  ["RISK_BALANCE_SHARE", "0.5", "riskRules.deposit_withdrawal.share", "0.5"],
  ["RISK_DEPOSIT_WINDOW", "1 hour", "riskRules.deposit_withdrawal.window", "1 hour"],
  ["RISK_CIRCULAR_WINDOW", "1 day", "riskRules.circular_transfer.window", "1 day"],
  ["RISK_SMALL_ORDER_VALUE", "2.5", "riskRules.small_orders.max_value", "2.5"],
  ["RISK_SMALL_ORDERS", "7", "riskRules.small_orders.hour_count", 7],
  ["RISK_FAILED_LOGINS", "3", "riskRules.failed_logins.failures", 3],
  ["RISK_REVIEW_EXPIRY", "1 hour", "riskReviewExpiry", "3600000 millis"],
  ["CONVERSION_MAX_SLIPPAGE", "0.5%", "conversionMaxSlippage", "0.005"],
  ["LOG_LEVEL", "WARN", "logLevel", "Warn"],
  ["LOG_LEVEL", "none", "logLevel", "None"],
  ["LOG_FORMAT", "Pretty", "logFormat", "pretty"]
]

describe("SettingDefinitions", () => {
  it("lists invalid values for every setting", () => {
    assert.sameMembers(
      [...Object.keys(invalidValues), ...acceptAnyText],
      Definitions.all.map(({ name }) => name)
    )
  })

  for (const { allowed, isSecret, name } of Definitions.all) {
    if (acceptAnyText.includes(name)) continue
    it.effect(`rejects invalid values of ${name}`, () =>
      Effect.gen(function* () {
        for (const text of invalidValues[name]?.filter((text) => text !== "") ?? []) {
          const error = yield* Effect.flip(read({ [name]: text }))
          const found = isSecret ? "<redacted>" : JSON.stringify(text)
          assert.deepStrictEqual(error.invalid, [{ name, found, allowed }], JSON.stringify(text))
        }
      })
    )
  }

  it.effect.each(validValues)("accepts %s=%s", ([name, text, field, value]) =>
    Effect.map(read({ ...requires[name], [name]: text }), (settings) => {
      assert.strictEqual(comparable(settings)[field], value)
    })
  )

  it("has unique names and complete documentation", () => {
    assert.strictEqual(new Set(Definitions.all.map(({ name }) => name)).size, Definitions.all.length)
    for (const { allowed, defaultText, description } of Definitions.all) {
      for (const text of [allowed, defaultText, description]) assert.isNotEmpty(text)
    }
    assert.deepStrictEqual(
      Definitions.all.filter(({ isSecret }) => isSecret).map(({ name }) => name),
      [
        "DATABASE_URL",
        "DATABASE_READ_URL",
        "REDIS_URL",
        "FLUTTERWAVE_SECRET_KEY",
        "FLUTTERWAVE_CLIENT_ID",
        "FLUTTERWAVE_CLIENT_SECRET",
        "FX_API_KEY",
        "OPENEXCHANGERATES_APP_ID",
        "COINGECKO_API_KEY",
        "MASSIVE_API_KEY",
        "METRICS_TOKEN",
        "SENTRY_DSN",
        "AUDIT_SIGNING_KEY",
        "AUDIT_HEADS_URL",
        "JWT_SIGNING_KEY",
        "MFA_ENCRYPTION_KEY",
        "ALPACA_KEY_ID",
        "ALPACA_SECRET_KEY"
      ]
    )
  })

  it("names every secret in .env.example, and nothing that is no setting", () => {
    const example = readFileSync(new URL("../../.env.example", import.meta.url), "utf8")
    const named = new Set(Array.from(example.matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm), ([, name]) => name))
    const all = new Set<string | undefined>(Definitions.all.map(({ name }) => name))
    const secrets = Definitions.all.filter(({ isSecret }) => isSecret).map(({ name }) => name)
    assert.deepStrictEqual(
      secrets.filter((name) => !named.has(name)),
      []
    )
    assert.deepStrictEqual(
      Array.from(named).filter((name) => !all.has(name)),
      []
    )
  })

  it("is documented in the help text", () => {
    for (const { defaultText, description, name } of Definitions.all) {
      assert.include(SettingsHelp.text, `\n  ${name}\n      ${description} (default: ${defaultText})\n`)
    }
  })

  it.effect("documents defaults as valid values", () =>
    Effect.gen(function* () {
      const describedInWords = new Set([
        "PUBLIC_URL",
        "DATABASE_URL",
        "DATABASE_READ_URL",
        "REDIS_URL",
        "REDIS_PREFIX",
        "PROVIDERS",
        "FLUTTERWAVE_SECRET_KEY",
        "FLUTTERWAVE_CLIENT_ID",
        "FLUTTERWAVE_CLIENT_SECRET",
        "FX_API_KEY",
        "OPENEXCHANGERATES_APP_ID",
        "PRICE_PROVIDERS",
        "COINGECKO_API_KEY",
        "MASSIVE_API_KEY",
        "PRICE_POLL_INTERVAL",
        "EXCHANGE",
        "ALPACA_KEY_ID",
        "ALPACA_SECRET_KEY",
        "POLL_SPACING",
        "CACHE_TTL",
        "LOG_FORMAT",
        "NODE_ENV",
        "CONVERSION_MARGINS",
        "HOME_CURRENCY",
        "FUNDING",
        "METRICS_TOKEN",
        "TRUSTED_PROXIES",
        "AUDIT_SIGNING_KEY",
        "AUDIT_HEADS_FILE",
        "AUDIT_HEADS_URL",
        "JWT_SIGNING_KEY",
        "MFA_ENCRYPTION_KEY",
        "SENTRY_DSN",
        "SENTRY_ENVIRONMENT",
        "SENTRY_SERVER_NAME"
      ])
      const literal = Definitions.all.filter(({ name }) => !describedInWords.has(name))
      const env = Object.fromEntries(literal.map(({ defaultText, name }) => [name, defaultText]))
      assert.deepStrictEqual(comparable(yield* read(env)), comparable(yield* read({})))
    })
  )
})

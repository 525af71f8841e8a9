import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Option } from "effect"
import { inspect, type InvalidSettings, type Settings } from "../../src/config/Settings.ts"
import * as Definitions from "../../src/config/SettingDefinitions.ts"
import { comparable, read } from "./ComparableSettings.ts"
import { rendered } from "./RenderedValue.ts"

const allowedBy = (name: string) => Definitions.all.find((definition) => definition.name === name)?.allowed

const names = (error: InvalidSettings) => error.invalid.map(({ name }) => name)

describe("Settings", () => {
  it.effect("knows which settings the environment sets, without the values of secrets", () =>
    Effect.map(
      read({ STALE_AFTER: "7 minutes", METRICS_TOKEN: "0123456789abcdef", PORT: "" }),
      ({ given }) => {
        assert.deepStrictEqual(
          given,
          new Map([
            ["METRICS_TOKEN", null],
            ["STALE_AFTER", "7 minutes"]
          ])
        )
      }
    )
  )

  it.effect("has the documented defaults", () =>
    Effect.map(read({}), (settings) => {
      assert.deepStrictEqual(comparable(settings), {
        accessTokenTtl: "600000 millis",
        aggregationMaxWait: "300000 millis",
        aggregationThreshold: "10",
        alpacaBaseUrl: "https://paper-api.alpaca.markets",
        alpacaKeyId: "none",
        alpacaSecretKey: "none",
        exchange: "sandbox",
        refreshTokenTtl: "2592000000 millis",
        jwtSigningKeys: "none",
        mfaEncryptionKeys: "none",
        openRegistration: true,
        orderMaxPriceAge: "120000 millis",
        orderMaxSlippage: "0.02",
        orderSpread: "0.005",
        ledgerAdjustmentLimit: "0",
        funding: "sandbox",
        homeCurrency: "USD",
        "riskRules.velocity.enabled": true,
        "riskRules.velocity.outcome": "deny",
        "riskRules.velocity.unpriced": "review",
        "riskRules.velocity.hour_count": 1000,
        "riskRules.velocity.hour_value": "1000000",
        "riskRules.velocity.day_count": 10000,
        "riskRules.velocity.day_value": "5000000",
        "riskRules.asset_velocity.enabled": true,
        "riskRules.asset_velocity.outcome": "deny",
        "riskRules.asset_velocity.unpriced": "review",
        "riskRules.asset_velocity.hour_count": 1000,
        "riskRules.asset_velocity.hour_value": "1000000",
        "riskRules.asset_velocity.day_count": 10000,
        "riskRules.asset_velocity.day_value": "5000000",
        "riskRules.new_account.enabled": true,
        "riskRules.new_account.outcome": "review",
        "riskRules.new_account.unpriced": "review",
        "riskRules.new_account.max_age": "1 day",
        "riskRules.new_account.share": "0.8",
        "riskRules.new_account.min_value": "10000",
        "riskRules.new_device.enabled": true,
        "riskRules.new_device.outcome": "review",
        "riskRules.new_device.unpriced": "review",
        "riskRules.new_device.max_age": "1 hour",
        "riskRules.new_device.share": "0.8",
        "riskRules.new_device.min_value": "10000",
        "riskRules.deposit_withdrawal.enabled": true,
        "riskRules.deposit_withdrawal.outcome": "review",
        "riskRules.deposit_withdrawal.unpriced": "review",
        "riskRules.deposit_withdrawal.window": "10 minutes",
        "riskRules.deposit_withdrawal.share": "0.8",
        "riskRules.deposit_withdrawal.min_value": "10000",
        "riskRules.circular_transfer.enabled": true,
        "riskRules.circular_transfer.outcome": "review",
        "riskRules.circular_transfer.unpriced": "review",
        "riskRules.circular_transfer.window": "1 hour",
        "riskRules.circular_transfer.min_value": "10000",
        "riskRules.small_orders.enabled": true,
        "riskRules.small_orders.outcome": "deny",
        "riskRules.small_orders.unpriced": "review",
        "riskRules.small_orders.hour_count": 500,
        "riskRules.small_orders.max_value": "10",
        "riskRules.failed_logins.enabled": true,
        "riskRules.failed_logins.outcome": "review",
        "riskRules.failed_logins.unpriced": "review",
        "riskRules.failed_logins.failures": 5,
        "riskRules.failed_logins.min_value": "10000",
        riskReviewExpiry: "259200000 millis",
        host: "127.0.0.1",
        port: 8000,
        publicUrl: "none",
        web: true,
        databaseReadMaxLag: "500 millis",
        databaseReadUrl: "none",
        databaseUrl: "none",
        dataDir: ".effex",
        redisUrl: "none",
        redisPrefix: "",
        providers: "flutterwave",
        sandbox: true,
        flutterwaveSecretKey: "none",
        flutterwaveBaseUrl: "https://api.flutterwave.com",
        flutterwaveClientId: "none",
        flutterwaveClientSecret: "none",
        flutterwaveV4BaseUrl: "https://f4bexperience.flutterwave.com",
        flutterwaveTokenUrl: "https://idp.flutterwave.com/realms/flutterwave/protocol/openid-connect/token",
        fxApiKey: "none",
        fixerBaseUrl: "https://data.fixer.io/api",
        openExchangeRatesAppId: "none",
        openExchangeRatesBaseUrl: "https://openexchangerates.org/api",
        frankfurterBaseUrl: "https://api.frankfurter.dev/v2",
        rateOnDemand: true,
        priceProviders: "",
        priceSandbox: true,
        coinGeckoApiKey: "none",
        coinGeckoBaseUrl: "https://api.coingecko.com/api/v3",
        massiveApiKey: "none",
        massiveBaseUrl: "https://api.massive.com",
        pricePollInterval: "60000 millis",
        flutterwaveAmount: "1000000",
        sources: "USD,CAD,GBP,EUR",
        destinations: "XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW",
        pollInterval: "600000 millis",
        pollSpacing: "0 millis",
        pollConcurrency: 4,
        pollRequested: 20,
        cacheTtl: "none",
        staleAfter: "600000 millis",
        lookupBudget: "1000 millis",
        guardMaxJump: "0.2",
        guardMaxJumpCrypto: "0.5",
        guardMaxJumpStock: "0.3",
        guardMaxDeviation: "0.1",
        guardFirstRateFactor: "5",
        guardCrossCheck: "3600000 millis",
        guardMaxUnchanged: "604800000 millis",
        guardConfirmations: 3,
        conversionMaxSlippage: "0.02",
        corsOrigins: "none",
        streamsPerAddress: 5000,
        trustedProxies: "",
        readQuota: "6000 in 60000 millis",
        writeQuota: "600 in 60000 millis",
        refreshQuota: "10 in 60000 millis",
        onDemandQuota: "60 in 60000 millis",
        maxAgeFloor: "30000 millis",
        sentryDsn: "none",
        sentryEnvironment: "development",
        sentryServerName: "none",
        shutdownDelay: "0 millis",
        maxClockSkew: "7200000 millis",
        margin: "0.005",
        margins: "",
        metricsToken: "none",
        openConversions: true,
        auditSigningKey: "none",
        auditHeadsFile: "none",
        auditHeadsUrl: "none",
        logLevel: "Info",
        logFormat: process.stderr.isTTY ? "pretty" : "json"
      })
      assert.strictEqual(settings.pairs.all.length, 44)
    })
  )

  it.effect("treats empty text as not set, for every setting", () =>
    Effect.gen(function* () {
      const empty = Object.fromEntries(Definitions.all.map(({ name }) => [name, ""]))
      assert.deepStrictEqual(comparable(yield* read(empty)), comparable(yield* read({})))
    })
  )

  it.effect("spaces requests to Flutterwave, but not to the sandbox", () =>
    Effect.gen(function* () {
      const spacing = (env: Record<string, string>) =>
        Effect.map(read(env), (settings) => comparable(settings)["pollSpacing"])
      const FLUTTERWAVE_SECRET_KEY = "FLWSECK-1"
      assert.strictEqual(yield* spacing({}), "0 millis")
      assert.strictEqual(yield* spacing({ FLUTTERWAVE_SECRET_KEY }), "500 millis")
      assert.strictEqual(yield* spacing({ POLL_SPACING: "2 seconds" }), "2000 millis")
      assert.strictEqual(yield* spacing({ FLUTTERWAVE_SECRET_KEY, POLL_SPACING: "0 millis" }), "0 millis")
    })
  )

  it.effect("opens conversions in the sandbox, or if ALLOW_ANONYMOUS_CONVERT is true", () =>
    Effect.gen(function* () {
      const open = (env: Record<string, string>) =>
        Effect.map(read(env), (settings) => settings.openConversions)
      const FLUTTERWAVE_SECRET_KEY = "FLWSECK-1"
      assert.isTrue(yield* open({}))
      assert.isTrue(yield* open({ ALLOW_ANONYMOUS_CONVERT: "false" }))
      assert.isFalse(yield* open({ FLUTTERWAVE_SECRET_KEY }))
      assert.isTrue(yield* open({ FLUTTERWAVE_SECRET_KEY, ALLOW_ANONYMOUS_CONVERT: "true" }))
    })
  )

  it.effect("requires at least one pair", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "usd,USD" }))
      assert.deepStrictEqual(error.invalid, [
        {
          name: "RATE_DESTINATIONS",
          found: "no supported pair",
          allowed: "at least one currency that differs from a currency in RATE_SOURCES"
        }
      ])
      const { pairs } = yield* read({ RATE_SOURCES: "USD,NGN", RATE_DESTINATIONS: "USD,NGN" })
      assert.deepStrictEqual(pairs.all.map(String), ["USD:NGN", "NGN:USD"])
    })
  )

  it.effect(
    "values wallets in US dollars, or in the first source currency where dollars are not offered",
    () =>
      Effect.gen(function* () {
        const home = (env: Record<string, string>) =>
          Effect.map(read(env), ({ homeCurrency }) => homeCurrency)
        assert.strictEqual(yield* home({}), "USD")
        assert.strictEqual(yield* home({ RATE_SOURCES: "GBP", RATE_DESTINATIONS: "NGN" }), "GBP")
        assert.strictEqual(
          yield* home({ RATE_SOURCES: "GBP", RATE_DESTINATIONS: "NGN", HOME_CURRENCY: "NGN" }),
          "NGN"
        )
        const error = yield* Effect.flip(home({ RATE_SOURCES: "GBP", HOME_CURRENCY: "USD" }))
        assert.deepStrictEqual(
          error.invalid.map(({ name }) => name),
          ["HOME_CURRENCY"]
        )
      })
  )

  it.effect("credits money of the sandbox only with rates of the sandbox, unless FUNDING says so", () =>
    Effect.gen(function* () {
      const REAL = { FLUTTERWAVE_SECRET_KEY: "key" }
      const funding = (env: Record<string, string>) => Effect.map(read(env), ({ funding }) => funding)
      assert.strictEqual(yield* funding({}), "sandbox")
      assert.strictEqual(yield* funding({ FUNDING: "manual" }), "manual")
      assert.strictEqual(yield* funding(REAL), "manual")
      assert.strictEqual(yield* funding({ ...REAL, FUNDING: "sandbox" }), "sandbox")
      const production = { ...REAL, NODE_ENV: "production", DATABASE_URL: "postgres://db/effex" }
      const prices = { PRICE_PROVIDERS: "off" }
      assert.strictEqual(yield* funding({ ...production, ...prices }), "manual")
      const error = yield* Effect.flip(funding({ ...production, ...prices, FUNDING: "sandbox" }))
      assert.deepStrictEqual(
        error.invalid.map(({ name }) => name),
        ["FUNDING"]
      )
      const allowed = { ...production, ...prices, FUNDING: "sandbox", ALLOW_EMBEDDED: "true" }
      assert.strictEqual(yield* funding(allowed), "sandbox")
    })
  )

  it.effect("reports all invalid settings in one message", () =>
    Effect.gen(function* () {
      const env = {
        PORT: "80000",
        POLL_INTERVAL: "10m",
        RATE_SOURCES: "USD,XXX",
        LOG_LEVEL: 'l"oud',
        DATABASE_URL: "mysql://root:hunter2@db/effex",
        NODE_ENV: "production"
      }
      const error = yield* Effect.flip(read(env))
      assert.sameMembers(names(error), [
        "PORT",
        "POLL_INTERVAL",
        "RATE_SOURCES",
        "LOG_LEVEL",
        "DATABASE_URL",
        "FLUTTERWAVE_SECRET_KEY"
      ])
      const [title, ...lines] = error.message.split("\n")
      const advice = lines.pop()
      assert.strictEqual(title, "effex cannot start: invalid settings")
      assert.include(advice, "`effex --help` describes every setting")
      assert.sameMembers(lines, [
        `  PORT: found "80000"; allowed: ${allowedBy("PORT")}`,
        `  POLL_INTERVAL: found "10m"; allowed: ${allowedBy("POLL_INTERVAL")}`,
        `  RATE_SOURCES: found "USD,XXX"; allowed: ${allowedBy("RATE_SOURCES")}`,
        `  LOG_LEVEL: found "l\\"oud"; allowed: ${allowedBy("LOG_LEVEL")}`,
        `  DATABASE_URL: found <redacted>; allowed: ${allowedBy("DATABASE_URL")}`,
        "  FLUTTERWAVE_SECRET_KEY: found nothing; allowed: a key (production does not use sandbox rates); or set ALLOW_EMBEDDED=true"
      ])
    })
  )
})

describe("PROVIDERS", () => {
  const key = { FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }
  const client = { FLUTTERWAVE_CLIENT_ID: "id", FLUTTERWAVE_CLIENT_SECRET: "secret" }

  it.effect("defaults to the provider whose key is set", () =>
    Effect.gen(function* () {
      const chosen = (env: Record<string, string>) =>
        Effect.map(read(env), ({ providers, sandbox }) => [...providers, sandbox])
      assert.deepStrictEqual(yield* chosen({}), ["flutterwave", true])
      assert.deepStrictEqual(yield* chosen(key), ["flutterwave", false])
      assert.deepStrictEqual(yield* chosen(client), ["flutterwave-v4", false])
      assert.deepStrictEqual(yield* chosen({ ...key, ...client }), ["flutterwave", false])
      assert.deepStrictEqual(yield* chosen({ PROVIDERS: "sandbox" }), ["flutterwave", true])
      assert.deepStrictEqual(yield* chosen({ PROVIDERS: "Sandbox", ...key, FX_API_KEY: "key" }), [
        "flutterwave",
        true
      ])
      assert.deepStrictEqual(yield* chosen({ PROVIDERS: "frankfurter" }), ["frankfurter", false])
    })
  )

  it.effect("requires the keys of all listed providers", () =>
    Effect.gen(function* () {
      const missing = (env: Record<string, string>) => Effect.map(Effect.flip(read(env)), names)
      assert.deepStrictEqual(yield* missing({ PROVIDERS: "fixer" }), ["FX_API_KEY"])
      assert.deepStrictEqual(yield* missing({ FLUTTERWAVE_CLIENT_ID: "id" }), ["FLUTTERWAVE_CLIENT_SECRET"])
      assert.deepStrictEqual(yield* missing({ FLUTTERWAVE_CLIENT_SECRET: "x" }), ["FLUTTERWAVE_CLIENT_ID"])
      assert.deepStrictEqual(yield* missing({ PROVIDERS: "flutterwave-v4,openexchangerates,frankfurter" }), [
        "FLUTTERWAVE_CLIENT_ID",
        "FLUTTERWAVE_CLIENT_SECRET",
        "OPENEXCHANGERATES_APP_ID"
      ])
      const { message } = yield* Effect.flip(read({ PROVIDERS: "flutterwave,fixer", ...key }))
      assert.include(
        message,
        "  FX_API_KEY: found nothing; allowed: a value, because PROVIDERS includes fixer"
      )
    })
  )

  it.effect("requires the primary of a read replica", () =>
    Effect.gen(function* () {
      const DATABASE_READ_URL = "postgres://replica/effex"
      const { invalid } = yield* Effect.flip(read({ DATABASE_READ_URL }))
      assert.deepStrictEqual(
        invalid.map(({ allowed, name }) => `${name}: ${allowed}`),
        ["DATABASE_URL: the URL of the primary, because DATABASE_READ_URL is set"]
      )
      const DATABASE_URL = "postgres://primary/effex"
      assert.strictEqual(
        comparable(yield* read({ DATABASE_READ_URL, DATABASE_URL }))["databaseReadUrl"],
        DATABASE_READ_URL
      )
    })
  )

  it.effect("generates rates only if nothing of a provider is set, or by name", () =>
    Effect.gen(function* () {
      const problem = (env: Record<string, string>) =>
        Effect.map(Effect.flip(read(env)), ({ invalid }) =>
          invalid.map(({ allowed, name }) => `${name}: ${allowed}`)
        )
      assert.deepStrictEqual(yield* problem({ PROVIDERS: "flutterwave" }), [
        "FLUTTERWAVE_SECRET_KEY: a key, because PROVIDERS includes flutterwave; sandbox rates are never mixed with real ones"
      ])
      assert.deepStrictEqual(yield* problem({ FX_API_KEY: "key", OPENEXCHANGERATES_APP_ID: "id" }), [
        "PROVIDERS: fixer,openexchangerates, because FX_API_KEY and OPENEXCHANGERATES_APP_ID are set without FLUTTERWAVE_SECRET_KEY; or sandbox for generated rates"
      ])
      assert.strictEqual((yield* problem({ PROVIDERS: "sandbox,frankfurter" })).length, 1)
    })
  )

  it.effect("never mixes sandbox rates with real ones", () =>
    Effect.gen(function* () {
      for (const PROVIDERS of ["flutterwave,frankfurter", "frankfurter,flutterwave"]) {
        const { invalid } = yield* Effect.flip(read({ PROVIDERS }))
        assert.deepStrictEqual(
          invalid.map(({ found, name }) => [name, found]),
          [["FLUTTERWAVE_SECRET_KEY", "nothing"]]
        )
        assert.isFalse((yield* read({ PROVIDERS, ...key })).sandbox)
      }
    })
  )

  it.effect(
    "treats a provider without a key as real: allowed in production, spaced, conversions closed",
    () =>
      Effect.gen(function* () {
        const settings = yield* read({
          PROVIDERS: "frankfurter",
          NODE_ENV: "production",
          DATABASE_URL: "postgres://db/effex"
        })
        assert.strictEqual(comparable(settings)["pollSpacing"], "500 millis")
        assert.isFalse(settings.openConversions)
      })
  )
})

describe("FLUTTERWAVE_BASE_URL", () => {
  it.effect("is rejected without a key, because the sandbox would serve rates instead", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ FLUTTERWAVE_BASE_URL: "http://127.0.0.1:8100" }))
      assert.deepStrictEqual(
        error.invalid.map(({ found, name }) => [name, found]),
        [["FLUTTERWAVE_SECRET_KEY", "nothing"]]
      )
    })
  )
})

describe("Settings in production", () => {
  const NODE_ENV = "production"
  const DATABASE_URL = "postgres://db/effex"
  const FLUTTERWAVE_SECRET_KEY = "FLWSECK-1"
  const invalidNames = (env: Record<string, string>) => Effect.map(Effect.flip(read(env)), names)

  it.effect("rejects the embedded database and the sandbox", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* invalidNames({ NODE_ENV }), ["DATABASE_URL", "FLUTTERWAVE_SECRET_KEY"])
      assert.deepStrictEqual(yield* invalidNames({ NODE_ENV, ALLOW_EMBEDDED: "false", DATABASE_URL }), [
        "FLUTTERWAVE_SECRET_KEY"
      ])
      assert.deepStrictEqual(yield* invalidNames({ NODE_ENV, DATABASE_URL: "", FLUTTERWAVE_SECRET_KEY }), [
        "DATABASE_URL"
      ])
    })
  )

  it.effect("accepts them with ALLOW_EMBEDDED, which is not needed if they are not used", () =>
    Effect.gen(function* () {
      for (const env of [
        { NODE_ENV, ALLOW_EMBEDDED: "true" },
        { NODE_ENV, DATABASE_URL, FLUTTERWAVE_SECRET_KEY },
        { NODE_ENV: "test" },
        { FLUTTERWAVE_SECRET_KEY }
      ]) {
        assert.strictEqual((yield* read(env)).port, 8000)
      }
    })
  )
})

describe("NODE_ENV", () => {
  it.effect("rejects unknown values", () =>
    Effect.gen(function* () {
      for (const NODE_ENV of ["prod", "live", "staging"]) {
        const { invalid } = yield* Effect.flip(read({ NODE_ENV }))
        assert.deepStrictEqual(invalid, [
          { name: "NODE_ENV", found: JSON.stringify(NODE_ENV), allowed: "production, development, test" }
        ])
      }
    })
  )

  it.effect("defaults to production with a real provider", () =>
    Effect.gen(function* () {
      const isProduction = (env: Record<string, string>) =>
        Effect.map(inspect, ({ production }) => production).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
        )
      assert.isFalse(yield* isProduction({}))
      assert.isTrue(yield* isProduction({ FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }))
      assert.isTrue(yield* isProduction({ PROVIDERS: "frankfurter" }))
      assert.isTrue(yield* isProduction({ FLUTTERWAVE_CLIENT_ID: "id", FLUTTERWAVE_CLIENT_SECRET: "s" }))
      assert.isFalse(yield* isProduction({ PROVIDERS: "frankfurter", NODE_ENV: "development" }))
    })
  )
})

describe("Settings and secrets", () => {
  const secret = "hunter2hunter2"

  it.effect("never reveals an accepted secret", () =>
    Effect.gen(function* () {
      const settings: Settings["Service"] = yield* read({
        DATABASE_URL: `postgres://effex:${secret}@db/effex`,
        REDIS_URL: `redis://:${secret}@redis`,
        FLUTTERWAVE_SECRET_KEY: `FLWSECK-${secret}`,
        FLUTTERWAVE_CLIENT_ID: `x-${secret}`,
        FLUTTERWAVE_CLIENT_SECRET: `x-${secret}`,
        FX_API_KEY: `x-${secret}`,
        OPENEXCHANGERATES_APP_ID: `x-${secret}`,
        AUDIT_SIGNING_KEY: `${secret.padEnd(43, "A")}=`
      })
      assert.include(comparable(settings)["auditSigningKey"], secret)
      assert.include(comparable(settings)["databaseUrl"], secret)
      assert.notInclude(rendered(settings), secret)
      assert.notInclude(rendered(Option.getOrThrow(settings.flutterwaveSecretKey)), secret)
    })
  )

  it.effect("never reveals a rejected secret", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        read({
          DATABASE_URL: `mysql://effex:${secret}@db/effex`,
          REDIS_URL: `:${secret}@redis`,
          FLUTTERWAVE_SECRET_KEY: `FLWSECK ${secret}`,
          FLUTTERWAVE_CLIENT_ID: `x ${secret}`,
          FLUTTERWAVE_CLIENT_SECRET: `x ${secret}`,
          FX_API_KEY: `x ${secret}`,
          OPENEXCHANGERATES_APP_ID: `x ${secret}`,
          AUDIT_SIGNING_KEY: secret
        })
      )
      assert.strictEqual(error.invalid.length, 8)
      assert.include(rendered(error), "FLUTTERWAVE_SECRET_KEY")
      assert.notInclude(rendered(error), secret)
    })
  )

  it.effect("chooses price providers by their keys, and the sandbox only with sandbox rates", () =>
    Effect.gen(function* () {
      const chosen = (env: Readonly<Record<string, string>>) =>
        Effect.map(read(env), ({ pricePollInterval, priceProviders, priceSandbox }) => [
          priceSandbox ? "sandbox" : priceProviders.join(),
          Option.match(pricePollInterval, { onNone: () => "off", onSome: Duration.format })
        ])
      const key = { FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }
      assert.deepStrictEqual(yield* chosen({}), ["sandbox", "1m"])
      assert.deepStrictEqual(yield* chosen(key), ["", "1m"])
      assert.deepStrictEqual(yield* chosen({ ...key, COINGECKO_API_KEY: "a", MASSIVE_API_KEY: "b" }), [
        "coingecko,massive",
        "5m"
      ])
      const pro = { COINGECKO_API_KEY: "a", COINGECKO_BASE_URL: "https://pro-api.coingecko.com/api/v3" }
      assert.deepStrictEqual(yield* chosen(pro), ["coingecko", "1m"])
      assert.deepStrictEqual(yield* chosen({ ...key, PRICE_PROVIDERS: "coingecko" }), ["coingecko", "5m"])
      assert.deepStrictEqual(yield* chosen({ PRICE_PROVIDERS: "off", PRICE_POLL_INTERVAL: "off" }), [
        "",
        "off"
      ])
    })
  )

  it.effect("rejects massive without a key, and generated prices in production", () =>
    Effect.gen(function* () {
      const missing = (env: Readonly<Record<string, string>>) =>
        Effect.map(Effect.flip(read(env)), ({ invalid }) => invalid.map(({ name }) => name))
      assert.deepStrictEqual(yield* missing({ PRICE_PROVIDERS: "massive" }), ["MASSIVE_API_KEY"])
      const production = {
        NODE_ENV: "production",
        DATABASE_URL: "postgres://localhost/effex",
        FLUTTERWAVE_SECRET_KEY: "FLWSECK-1",
        PRICE_PROVIDERS: "sandbox"
      }
      assert.deepStrictEqual(yield* missing(production), ["PRICE_PROVIDERS"])
    })
  )

  it.effect("chooses the exchange by its keys, and the sandbox only with sandbox prices", () =>
    Effect.gen(function* () {
      const chosen = (env: Readonly<Record<string, string>>) =>
        Effect.map(read(env), ({ exchange }) => exchange)
      const keys = { ALPACA_KEY_ID: "PK1", ALPACA_SECRET_KEY: "secret" }
      const real = { FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }
      assert.strictEqual(yield* chosen({}), "sandbox")
      assert.strictEqual(yield* chosen(real), "off")
      assert.strictEqual(yield* chosen({ COINGECKO_API_KEY: "a" }), "off")
      assert.strictEqual(yield* chosen({ ...real, ...keys }), "alpaca")
      assert.strictEqual(yield* chosen({ ...real, ...keys, EXCHANGE: "off" }), "off")
      assert.strictEqual(yield* chosen({ ...real, EXCHANGE: "sandbox" }), "sandbox")
    })
  )

  it.effect("rejects alpaca without both keys or at generated prices, and the sandbox in production", () =>
    Effect.gen(function* () {
      const missing = (env: Readonly<Record<string, string>>) =>
        Effect.map(Effect.flip(read({ PRICE_PROVIDERS: "off", ...env })), ({ invalid }) =>
          invalid.map(({ allowed, name }) => `${name}: ${allowed}`)
        )
      const keys = { ALPACA_KEY_ID: "PK1", ALPACA_SECRET_KEY: "secret" }
      assert.deepStrictEqual(yield* missing({ EXCHANGE: "alpaca" }), [
        "ALPACA_KEY_ID: a value, because EXCHANGE is alpaca",
        "ALPACA_SECRET_KEY: a value, because EXCHANGE is alpaca"
      ])
      assert.deepStrictEqual(yield* missing({ ALPACA_KEY_ID: "PK1" }), [
        "ALPACA_SECRET_KEY: a value, because ALPACA_KEY_ID is set"
      ])
      assert.deepStrictEqual(yield* missing({ ALPACA_SECRET_KEY: "secret" }), [
        "ALPACA_KEY_ID: a value, because ALPACA_SECRET_KEY is set"
      ])
      assert.deepStrictEqual(yield* missing({ ...keys, PRICE_PROVIDERS: "" }), [
        "PRICE_PROVIDERS: coingecko, massive or off, because ALPACA_KEY_ID is set; orders at an exchange are never priced by the sandbox"
      ])
      const production = {
        NODE_ENV: "production",
        DATABASE_URL: "postgres://localhost/effex",
        FLUTTERWAVE_SECRET_KEY: "FLWSECK-1"
      }
      assert.deepStrictEqual(yield* missing({ ...production, EXCHANGE: "sandbox" }), [
        "EXCHANGE: alpaca or off (production does not use the sandbox exchange); or set ALLOW_EMBEDDED=true"
      ])
    })
  )
})

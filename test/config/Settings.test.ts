import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Settings, InvalidSettings } from "../../src/config/Settings.ts"
import * as Definitions from "../../src/config/SettingDefinitions.ts"
import { plain, read } from "./PlainSettings.ts"
import { shown } from "./Shown.ts"

const allowedBy = (name: string) => Definitions.all.find((definition) => definition.name === name)?.allowed

const names = (error: InvalidSettings) => error.faults.map(({ name }) => name)

describe("Settings", () => {
  it.effect("has the defaults of the contract", () =>
    Effect.map(read({}), (settings) => {
      assert.deepStrictEqual(plain(settings), {
        host: "127.0.0.1",
        port: 8000,
        databaseUrl: "none",
        dataDir: ".effex",
        redisUrl: "none",
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
        flutterwaveAmount: "1000000",
        sources: "USD,CAD,GBP,EUR",
        destinations: "XOF,XAF,EGP,ETB,GHS,KES,MAD,NGN,ZAR,UGX,ZMW",
        pollInterval: "600000 millis",
        pollSpacing: "0 millis",
        pollConcurrency: 4,
        cacheTtl: "none",
        staleAfter: "600000 millis",
        lookupBudget: "1000 millis",
        guardMaxJump: "0.2",
        guardMaxDeviation: "0.1",
        guardCrossCheck: "3600000 millis",
        guardMaxUnchanged: "604800000 millis",
        guardConfirmations: 3,
        corsOrigins: "none",
        streamsPerAddress: 5000,
        trustedProxies: "",
        readQuota: "6000 in 60000 millis",
        writeQuota: "600 in 60000 millis",
        shutdownDelay: "0 millis",
        margin: "0.005",
        margins: "",
        openConversions: true,
        auditSigningKey: "none",
        logLevel: "Info",
        logFormat: process.stderr.isTTY ? "pretty" : "json"
      })
      assert.strictEqual(settings.pairs.all.length, 44)
    })
  )

  it.effect("takes an empty text for nothing, for every setting", () =>
    Effect.gen(function* () {
      const empty = Object.fromEntries(Definitions.all.map(({ name }) => [name, ""]))
      assert.deepStrictEqual(plain(yield* read(empty)), plain(yield* read({})))
    })
  )

  it.effect("spares Flutterwave, but not the sandbox", () =>
    Effect.gen(function* () {
      const spacing = (env: Record<string, string>) =>
        Effect.map(read(env), (settings) => plain(settings)["pollSpacing"])
      const FLUTTERWAVE_SECRET_KEY = "FLWSECK-1"
      assert.strictEqual(yield* spacing({}), "0 millis")
      assert.strictEqual(yield* spacing({ FLUTTERWAVE_SECRET_KEY }), "500 millis")
      assert.strictEqual(yield* spacing({ POLL_SPACING: "2 seconds" }), "2000 millis")
      assert.strictEqual(yield* spacing({ FLUTTERWAVE_SECRET_KEY, POLL_SPACING: "0 millis" }), "0 millis")
    })
  )

  it.effect("opens conversions to everybody where the rates are made up, or where that is said", () =>
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

  it.effect("needs one pair at least", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ RATE_SOURCES: "USD", RATE_DESTINATIONS: "usd,USD" }))
      assert.deepStrictEqual(error.faults, [
        { name: "RATE_DESTINATIONS", found: "no pair", allowed: "a currency that is not the only source" }
      ])
      const { pairs } = yield* read({ RATE_SOURCES: "USD,NGN", RATE_DESTINATIONS: "USD,NGN" })
      assert.deepStrictEqual(pairs.all.map(String), ["USD:NGN", "NGN:USD"])
    })
  )

  it.effect("reports all the faults together, in one message", () =>
    Effect.gen(function* () {
      const wrong = {
        PORT: "80000",
        POLL_INTERVAL: "10m",
        RATE_SOURCES: "USD,XXX",
        LOG_LEVEL: 'l"oud',
        DATABASE_URL: "mysql://root:hunter2@db/effex",
        NODE_ENV: "production"
      }
      const error = yield* Effect.flip(read(wrong))
      assert.sameMembers(names(error), [
        "PORT",
        "POLL_INTERVAL",
        "RATE_SOURCES",
        "LOG_LEVEL",
        "DATABASE_URL",
        "FLUTTERWAVE_SECRET_KEY"
      ])
      const [title, ...lines] = error.message.split("\n")
      assert.strictEqual(title, "effex cannot start with these settings:")
      assert.sameMembers(lines, [
        `  PORT: found "80000"; allowed: ${allowedBy("PORT")}`,
        `  POLL_INTERVAL: found "10m"; allowed: ${allowedBy("POLL_INTERVAL")}`,
        `  RATE_SOURCES: found "USD,XXX"; allowed: ${allowedBy("RATE_SOURCES")}`,
        `  LOG_LEVEL: found "l\\"oud"; allowed: ${allowedBy("LOG_LEVEL")}`,
        `  DATABASE_URL: found <redacted>; allowed: ${allowedBy("DATABASE_URL")}`,
        "  FLUTTERWAVE_SECRET_KEY: found nothing; allowed: in production, a value (else the sandbox with made-up rates), or ALLOW_EMBEDDED=true"
      ])
    })
  )
})

describe("PROVIDERS", () => {
  const key = { FLUTTERWAVE_SECRET_KEY: "FLWSECK-1" }
  const client = { FLUTTERWAVE_CLIENT_ID: "id", FLUTTERWAVE_CLIENT_SECRET: "secret" }

  it.effect("is what there is a key for, where nothing is said", () =>
    Effect.gen(function* () {
      const chosen = (env: Record<string, string>) =>
        Effect.map(read(env), ({ providers, sandbox }) => [...providers, sandbox])
      assert.deepStrictEqual(yield* chosen({}), ["flutterwave", true])
      assert.deepStrictEqual(yield* chosen(key), ["flutterwave", false])
      assert.deepStrictEqual(yield* chosen(client), ["flutterwave-v4", false])
      assert.deepStrictEqual(yield* chosen({ ...key, ...client }), ["flutterwave", false])
      assert.deepStrictEqual(yield* chosen({ PROVIDERS: "flutterwave", ...client }), ["flutterwave", true])
      assert.deepStrictEqual(yield* chosen({ PROVIDERS: "frankfurter" }), ["frankfurter", false])
    })
  )

  it.effect("needs the keys of all that it names", () =>
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
        "  FX_API_KEY: found nothing; allowed: a value, since fixer is one of PROVIDERS"
      )
    })
  )

  it.effect("never mixes made-up rates with others", () =>
    Effect.gen(function* () {
      for (const PROVIDERS of ["flutterwave,frankfurter", "frankfurter,flutterwave"]) {
        const { faults } = yield* Effect.flip(read({ PROVIDERS }))
        assert.deepStrictEqual(
          faults.map(({ found, name }) => [name, found]),
          [["FLUTTERWAVE_SECRET_KEY", "nothing"]]
        )
        assert.isFalse((yield* read({ PROVIDERS, ...key })).sandbox)
      }
    })
  )

  it.effect("takes what needs no key for real: it starts in production, is spared, and opens nothing", () =>
    Effect.gen(function* () {
      const settings = yield* read({
        PROVIDERS: "frankfurter",
        NODE_ENV: "production",
        DATABASE_URL: "postgres://db/effex"
      })
      assert.strictEqual(plain(settings)["pollSpacing"], "500 millis")
      assert.isFalse(settings.openConversions)
    })
  )
})

describe("FLUTTERWAVE_BASE_URL", () => {
  it.effect("is refused without a key, with which the sandbox would answer instead", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ FLUTTERWAVE_BASE_URL: "http://127.0.0.1:8100" }))
      assert.deepStrictEqual(
        error.faults.map(({ found, name }) => [name, found]),
        [["FLUTTERWAVE_SECRET_KEY", "nothing"]]
      )
    })
  )
})

describe("Settings in production", () => {
  const NODE_ENV = "production"
  const DATABASE_URL = "postgres://db/effex"
  const FLUTTERWAVE_SECRET_KEY = "FLWSECK-1"
  const refusedNames = (env: Record<string, string>) => Effect.map(Effect.flip(read(env)), names)

  it.effect("refuses the embedded database and the sandbox", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* refusedNames({ NODE_ENV }), ["DATABASE_URL", "FLUTTERWAVE_SECRET_KEY"])
      assert.deepStrictEqual(yield* refusedNames({ NODE_ENV, ALLOW_EMBEDDED: "false", DATABASE_URL }), [
        "FLUTTERWAVE_SECRET_KEY"
      ])
      assert.deepStrictEqual(yield* refusedNames({ NODE_ENV, DATABASE_URL: "", FLUTTERWAVE_SECRET_KEY }), [
        "DATABASE_URL"
      ])
    })
  )

  it.effect("takes them where that is said, and needs no word where they are not used", () =>
    Effect.gen(function* () {
      for (const env of [
        { NODE_ENV, ALLOW_EMBEDDED: "true" },
        { NODE_ENV, DATABASE_URL, FLUTTERWAVE_SECRET_KEY },
        { NODE_ENV: "test" }
      ]) {
        assert.strictEqual((yield* read(env)).port, 8000)
      }
    })
  )
})

describe("Settings and secrets", () => {
  const secret = "hunter2hunter2"

  it.effect("never shows a secret that it took", () =>
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
      assert.include(plain(settings)["auditSigningKey"], secret)
      assert.include(plain(settings)["databaseUrl"], secret)
      assert.notInclude(shown(settings), secret)
      assert.notInclude(shown(Option.getOrThrow(settings.flutterwaveSecretKey)), secret)
    })
  )

  it.effect("never shows a secret that it refused", () =>
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
      assert.strictEqual(error.faults.length, 8)
      assert.include(shown(error), "FLUTTERWAVE_SECRET_KEY")
      assert.notInclude(shown(error), secret)
    })
  )
})

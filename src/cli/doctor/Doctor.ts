import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, FileSystem, Option, Path, References, Schema } from "effect"
import { Command } from "effect/cli"
import * as OpenTelemetry from "../../config/settings/OpenTelemetrySettings.ts"
import * as Secrets from "../../config/Secrets.ts"
import { type InvalidSetting, inspect, Settings } from "../../config/Settings.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { redactor } from "../../platform/telemetry/Redaction.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as StoredDataCheck from "./StoredDataCheck.ts"
import * as DatabaseCheck from "./DatabaseCheck.ts"
import { failed, type CheckResult, runCheck, ok, warning } from "./CheckResult.ts"
import * as ExchangeCheck from "./ExchangeCheck.ts"
import * as PortCheck from "./PortCheck.ts"
import * as ProvidersCheck from "./ProvidersCheck.ts"
import * as RedisCheck from "./RedisCheck.ts"
import * as ReplicaCheck from "./ReplicaCheck.ts"
import * as SchemaCheck from "./SchemaCheck.ts"

/** At least one check failed. */
export class ChecksFailed extends Schema.TaggedError<ChecksFailed>()("ChecksFailed", {
  checks: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Failed: ${this.checks.join(", ")}`
  }
}

/** `effex doctor`: checks everything that effex needs, without changing anything, and advises what to do. */
export const command = Command.make(
  "doctor",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const results = yield* Effect.provideService(run, References.MinimumLogLevel, "None")
    const failedChecks = results.filter(({ status }) => status === "failed").map(({ check }) => check)
    const text = json
      ? JSON.stringify({ ok: failedChecks.length === 0, checks: results })
      : results.map(toText).join("\n")
    yield* Console.log(text)
    if (failedChecks.length > 0) return yield* new ChecksFailed({ checks: Array.from(new Set(failedChecks)) })
  }, Effect.provide(NodeServices.layer))
).pipe(
  Command.withDescription(
    "Check settings, database, migrations, read replica, Redis, providers, exchange, clocks and port, and advise what to do. The exit code is 1 if a check failed"
  )
)

/** A group of checks and the settings that it depends on. */
interface CheckGroup {
  readonly check: string
  readonly settings: RegExp
  readonly advice: string
  readonly results: Effect.Effect<
    ReadonlyArray<CheckResult>,
    unknown,
    Settings | FileSystem.FileSystem | Path.Path
  >
}

const checkDatabase = Effect.gen(function* () {
  const server = yield* DatabaseCheck.run
  const { complete, results } = yield* SchemaCheck.run
  return [...server, ...results, ...(complete ? yield* StoredDataCheck.run : [])]
})

/** Does not create the embedded database. */
const checkExistingDatabase = Effect.gen(function* () {
  const { dataDir, databaseUrl } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (Option.isNone(databaseUrl) && !(yield* fs.exists(path.join(dataDir, "postgres"))))
    return [
      warning(
        "database",
        `no database exists under ${dataDir} yet`,
        "The first start creates it; set DATABASE_URL to use your own PostgreSQL"
      )
    ]
  return yield* Effect.provide(checkDatabase, Database.layerUnmigrated)
})

const groups: ReadonlyArray<CheckGroup> = [
  {
    check: "database",
    settings: /^(DATABASE_URL|DATA_DIR)$/,
    advice: "Check DATABASE_URL, and that the server is running and accepts connections from this machine",
    results: checkExistingDatabase
  },
  {
    check: "replica",
    settings: /^DATABASE_(READ_)?/,
    advice: "Check DATABASE_READ_URL and DATABASE_URL, and that both servers are running",
    results: ReplicaCheck.run
  },
  {
    check: "redis",
    settings: /^REDIS_URL$/,
    advice:
      "Check REDIS_URL, and that the server is running; without Redis, effex works, but nodes do not share caches or streams",
    results: RedisCheck.run
  },
  {
    check: "providers",
    settings: /^(PROVIDERS|FLUTTERWAVE_|FX_|FIXER_|OPENEXCHANGERATES_|FRANKFURTER_|RATE_)/,
    advice: "Check PROVIDERS and their keys",
    results: ProvidersCheck.run
  },
  {
    check: "exchange",
    settings: /^(EXCHANGE|ALPACA_)/,
    advice: "Check EXCHANGE and ALPACA_BASE_URL",
    results: ExchangeCheck.run
  },
  { check: "port", settings: /^(HOST|PORT)$/, advice: "Check HOST and PORT", results: PortCheck.run }
]

const run = Effect.gen(function* () {
  const { invalid, production, settings } = yield* inspect
  // An invalid OTEL_* variable prevents a start as well.
  const invalidSettings = [...invalid, ...(yield* OpenTelemetry.inspect).invalid]
  const groupResults = yield* Effect.forEach(
    groups,
    (group) => Effect.provideService(runGroup(group, invalidSettings), Settings, settings),
    { concurrency: "unbounded" }
  )
  const results = [
    ...settingsResults(invalidSettings),
    ...productionResults(production, settings),
    ...groupResults.flat()
  ]
  const redact = redactor(yield* Secrets.read, MIN_PASSWORD_LENGTH)
  return results.map((result) => ({
    ...result,
    found: redact(result.found),
    advice: result.advice === null ? null : redact(result.advice)
  }))
})

type InvalidSettings = ReadonlyArray<typeof InvalidSetting.Type>

const runGroup = ({ advice, check, results, settings }: CheckGroup, invalidSettings: InvalidSettings) => {
  const names = invalidSettings.filter(({ name }) => settings.test(name)).map(({ name }) => name)
  return names.length === 0
    ? runCheck(check, advice, results)
    : Effect.succeed([
        warning(check, `not checked, because ${names.join(", ")} is invalid`, "Correct the setting first")
      ])
}

const settingsResults = (invalidSettings: InvalidSettings) =>
  invalidSettings.length === 0
    ? [ok("settings", "all are valid")]
    : invalidSettings.map(({ allowed, found, name }) =>
        failed("settings", `${name}: found ${found}`, `Allowed: ${allowed}`)
      )

const productionResults = (
  production: boolean,
  { databaseUrl, exchange, funding, sandbox }: Settings["Service"]
) => {
  const substitutes = [
    ...(sandbox ? ["sandbox rates"] : []),
    ...(funding === "sandbox" ? ["sandbox money"] : []),
    ...(exchange === "sandbox" ? ["the sandbox exchange"] : []),
    ...(Option.isNone(databaseUrl) ? ["the embedded database"] : [])
  ]
  return production && substitutes.length > 0
    ? [
        warning(
          "production",
          `it runs on ${substitutes.join(", ")}`,
          "Set FLUTTERWAVE_SECRET_KEY, FUNDING=manual, EXCHANGE and DATABASE_URL, and unset ALLOW_EMBEDDED"
        )
      ]
    : []
}

/** Shorter passwords are not redacted in results, because they can be part of any word. */
const MIN_PASSWORD_LENGTH = 6

const toText = ({ advice, check, found, status }: CheckResult) => {
  const line = `${status.padEnd(7)}  ${check}: ${found}`
  return advice === null ? line : `${line}\n         → ${advice}`
}

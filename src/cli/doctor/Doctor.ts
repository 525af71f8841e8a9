import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, FileSystem, Option, Path, References, Schema } from "effect"
import { Command } from "effect/cli"
import * as OpenTelemetry from "../../config/OpenTelemetrySettings.ts"
import * as Secrets from "../../config/Secrets.ts"
import { type InvalidSetting, inspect, Settings } from "../../config/Settings.ts"
import { Database } from "../../platform/postgres/Database.ts"
import { redactor } from "../../platform/telemetry/Redaction.ts"
import { jsonFlag } from "../arguments/JsonFlag.ts"
import * as DataFolderCheck from "./DataFolderCheck.ts"
import * as DatabaseCheck from "./DatabaseCheck.ts"
import { failed, type Finding, guarded, ok, warning } from "./Finding.ts"
import * as PortCheck from "./PortCheck.ts"
import * as ProvidersCheck from "./ProvidersCheck.ts"
import * as RedisCheck from "./RedisCheck.ts"
import * as SchemaCheck from "./SchemaCheck.ts"

/** Something is not as it has to be. */
export class ChecksFailed extends Schema.TaggedError<ChecksFailed>()("ChecksFailed", {
  checks: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Failed: ${this.checks.join(", ")}`
  }
}

/** `effex doctor`: looks at everything that effex needs, changes nothing, and says what to do. */
export const command = Command.make(
  "doctor",
  { json: jsonFlag },
  Effect.fn(function* ({ json }) {
    const findings = yield* Effect.provideService(examine, References.MinimumLogLevel, "None")
    const bad = findings.filter(({ status }) => status === "failed").map(({ check }) => check)
    const text = json
      ? JSON.stringify({ ok: bad.length === 0, checks: findings })
      : findings.map(inWords).join("\n")
    yield* Console.log(text)
    if (bad.length > 0) return yield* new ChecksFailed({ checks: Array.from(new Set(bad)) })
  }, Effect.provide(NodeServices.layer))
).pipe(
  Command.withDescription(
    "Check settings, database, migrations, Redis, providers, clocks and port, and say what to do; the exit code is 1 when something failed"
  )
)

/** A part of effex, and the settings that lead to it. */
interface Part {
  readonly check: string
  readonly settings: RegExp
  readonly advice: string
  readonly findings: Effect.Effect<
    ReadonlyArray<Finding>,
    unknown,
    Settings | FileSystem.FileSystem | Path.Path
  >
}

const examineDatabase = Effect.gen(function* () {
  const server = yield* DatabaseCheck.examine
  const { complete, findings } = yield* SchemaCheck.examine
  return [...server, ...findings, ...(complete ? yield* DataFolderCheck.examine : [])]
})

/** One that is not there yet is not made here. */
const examineDatabaseIfMade = Effect.gen(function* () {
  const { dataDir, databaseUrl } = yield* Settings
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  if (Option.isNone(databaseUrl) && !(yield* fs.exists(path.join(dataDir, "postgres"))))
    return [
      warning(
        "database",
        `there is none under ${dataDir} yet`,
        "The first start makes it; set DATABASE_URL to use a PostgreSQL of your own"
      )
    ]
  return yield* Effect.provide(examineDatabase, Database.layerUnmigrated)
})

const parts: ReadonlyArray<Part> = [
  {
    check: "database",
    settings: /^(DATABASE_URL|DATA_DIR)$/,
    advice: "Look at DATABASE_URL, and at whether the server runs and lets this machine in",
    findings: examineDatabaseIfMade
  },
  {
    check: "redis",
    settings: /^REDIS_URL$/,
    advice:
      "Look at REDIS_URL, and at whether the server runs; effex goes on without it, each node by itself",
    findings: RedisCheck.examine
  },
  {
    check: "providers",
    settings: /^(PROVIDERS|FLUTTERWAVE_|FX_|FIXER_|OPENEXCHANGERATES_|FRANKFURTER_|RATE_)/,
    advice: "Look at PROVIDERS and at their keys",
    findings: ProvidersCheck.examine
  },
  { check: "port", settings: /^(HOST|PORT)$/, advice: "Look at HOST and PORT", findings: PortCheck.examine }
]

const examine = Effect.gen(function* () {
  const { invalid: own, production, settings } = yield* inspect
  // What telemetry is told in OpenTelemetry's own variables keeps a server from starting just as well.
  const faults = [...own, ...(yield* OpenTelemetry.inspect).invalid]
  const found = yield* Effect.forEach(
    parts,
    (part) => Effect.provideService(examinePart(part, faults), Settings, settings),
    { concurrency: "unbounded" }
  )
  const all = [...settingsFindings(faults), ...productionFindings(production, settings), ...found.flat()]
  const redact = redactor(yield* Secrets.read, SHORTEST_PASSWORD)
  return all.map((finding) => ({
    ...finding,
    found: redact(finding.found),
    advice: finding.advice === null ? null : redact(finding.advice)
  }))
})

type Faults = ReadonlyArray<typeof InvalidSetting.Type>

const examinePart = ({ advice, check, findings, settings }: Part, faults: Faults) => {
  const wrong = faults.filter(({ name }) => settings.test(name)).map(({ name }) => name)
  return wrong.length === 0
    ? guarded(check, advice, findings)
    : Effect.succeed([
        warning(check, `not looked at, since ${wrong.join(", ")} is wrong`, "Set that right first")
      ])
}

const settingsFindings = (faults: Faults) =>
  faults.length === 0
    ? [ok("settings", "all can be used")]
    : faults.map(({ allowed, found, name }) =>
        failed("settings", `${name}: found ${found}`, `Allowed: ${allowed}`)
      )

const productionFindings = (production: boolean, { databaseUrl, sandbox }: Settings["Service"]) => {
  const made = [
    ...(sandbox ? ["the sandbox, whose rates are made up"] : []),
    ...(Option.isNone(databaseUrl) ? ["the embedded database"] : [])
  ]
  return production && made.length > 0
    ? [
        warning(
          "production",
          `it runs on ${made.join(" and ")}`,
          "Set FLUTTERWAVE_SECRET_KEY and DATABASE_URL, and drop ALLOW_EMBEDDED"
        )
      ]
    : []
}

/** The shortest password that is looked for in what is told: what is shorter may be a part of anything. */
const SHORTEST_PASSWORD = 6

const inWords = ({ advice, check, found, status }: Finding) => {
  const line = `${status.padEnd(7)}  ${check}: ${found}`
  return advice === null ? line : `${line}\n         → ${advice}`
}

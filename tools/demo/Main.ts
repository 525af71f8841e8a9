import "effect/schema/SchemaJITCompiler/enable"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, ConfigProvider, Console, Effect } from "effect"
import { Command } from "effect/cli"
import { effex } from "../../src/cli/Cli.ts"
import * as CommandOutcome from "../../src/cli/CommandOutcome.ts"
import * as HelpPresenter from "../../src/cli/HelpPresenter.ts"
import { PASSWORD, users } from "../../src/cli/seed/SampleUsers.ts"
import * as ProgressBar from "../../src/cli/view/ProgressBar.ts"
import { VERSION } from "../../src/config/Version.ts"
import * as Signals from "../../src/platform/Signals.ts"
import * as Activity from "./Activity.ts"
import * as FreePort from "./FreePort.ts"

/** Settings that the environment can replace. */
const defaults = {
  DATA_DIR: ".effex/demo",
  LOG_LEVEL: "error",
  POLL_INTERVAL: "5 seconds",
  PRICE_POLL_INTERVAL: "10 seconds",
  PORT: "8000"
}

/** Only the sandbox: the sample users have a public password. */
const required = {
  NODE_ENV: "development",
  PROVIDERS: "sandbox",
  PRICE_PROVIDERS: "sandbox",
  EXCHANGE: "sandbox",
  FUNDING: "sandbox"
}

const env: Record<string, string> = { ...defaults, ...process.env, ...required }
const url = `http://127.0.0.1:${env["PORT"]}`

const run = Command.runWith(effex, { version: VERSION })

const isReady = Effect.tryPromise(() => fetch(`${url}/health/ready`)).pipe(
  Effect.map(({ ok }) => ok),
  Effect.orElseSucceed(() => false)
)

const awaitReady = Effect.gen(function* () {
  while (!(yield* isReady)) yield* Effect.sleep("100 millis")
})

const printActivity = Effect.fnUntraced(function* (line: string) {
  const time = new Date(yield* Clock.currentTimeMillis).toISOString().slice(11, 19)
  yield* Console.log(`${time}  ${line}`)
})

const play = Effect.gen(function* () {
  yield* awaitReady
  yield* Console.log(`
effex runs at ${url}, with generated rates, money and orders.

  Web app             ${url}/
  API documentation   ${url}/docs
  Sign in as          ${users.map(({ role, username }) => `${username} (${role})`).join(", ")}
  Password            ${PASSWORD}

Ctrl-C ends it. The data stays in ${env["DATABASE_URL"] === undefined ? env["DATA_DIR"] : "DATABASE_URL"}.
`)
  return yield* Activity.run(url, PASSWORD, printActivity)
}).pipe(Effect.scoped)

const demo = Effect.gen(function* () {
  yield* FreePort.require(env["HOST"] ?? "127.0.0.1", Number(env["PORT"]))
  yield* Console.log("Preparing the sample data")
  yield* run(["seed"])
  yield* Effect.raceFirst(run(["serve"]), play)
})

Signals.exitOnSecondSignal()
NodeRuntime.runMain(
  demo.pipe(
    Effect.tapCause(CommandOutcome.report),
    Effect.provide([HelpPresenter.layer, ProgressBar.layerConsole, NodeServices.layer]),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
  ),
  { disableErrorReporting: true, teardown: CommandOutcome.teardown }
)

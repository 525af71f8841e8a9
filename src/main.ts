import "effect/schema/SchemaJITCompiler/enable"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { effex } from "./cli/Cli.ts"
import * as CommandOutcome from "./cli/CommandOutcome.ts"
import * as HelpPresenter from "./cli/HelpPresenter.ts"
import * as ProgressBar from "./cli/view/ProgressBar.ts"
import { VERSION } from "./config/Version.ts"
import * as Signals from "./platform/Signals.ts"

Signals.exitOnSecondSignal()
NodeRuntime.runMain(
  Command.run(effex, { version: VERSION }).pipe(
    Effect.tapCause(CommandOutcome.report),
    Effect.provide([HelpPresenter.layer, ProgressBar.layerConsole, NodeServices.layer])
  ),
  { disableErrorReporting: true, teardown: CommandOutcome.teardown }
)

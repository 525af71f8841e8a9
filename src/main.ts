import "effect/schema/SchemaJITCompiler/enable"
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Layer, Option, type Runtime } from "effect"
import { CliError, Command } from "effect/cli"
import { SecureRandom } from "effect/crypto"
import * as Audit from "./cli/Audit.ts"
import * as Convert from "./cli/Convert.ts"
import * as History from "./cli/History.ts"
import * as Import from "./cli/Import.ts"
import * as Keys from "./cli/Keys.ts"
import * as Migrate from "./cli/Migrate.ts"
import * as Poll from "./cli/Poll.ts"
import * as QuarantineCommand from "./cli/Quarantine.ts"
import * as Quote from "./cli/Quote.ts"
import * as Rate from "./cli/Rate.ts"
import * as LiveRates from "./cli/Rates.ts"
import * as Receipt from "./cli/Receipt.ts"
import * as Sandbox from "./cli/Sandbox.ts"
import * as Serve from "./cli/Serve.ts"
import * as SettingsHelp from "./cli/SettingsHelp.ts"
import { ApiKeyRepo } from "./access/ApiKeyRepo.ts"
import { ApiKeys } from "./access/ApiKeys.ts"
import { Settings } from "./config/Settings.ts"
import { AuditLog } from "./conversion/AuditLog.ts"
import { AuditRepo } from "./conversion/AuditRepo.ts"
import { AuditSealer } from "./conversion/AuditSealer.ts"
import { AuditSigner } from "./conversion/AuditSigner.ts"
import { AuditVerifier } from "./conversion/AuditVerifier.ts"
import { Conversions } from "./conversion/Conversions.ts"
import { Pricing } from "./conversion/Pricing.ts"
import { QuoteRepo } from "./conversion/QuoteRepo.ts"
import { Quotes } from "./conversion/Quotes.ts"
import { Receipts } from "./conversion/Receipts.ts"
import { SealRepo } from "./conversion/SealRepo.ts"
import { Database } from "./platform/Database.ts"
import { Redis } from "./platform/Redis.ts"
import * as Signals from "./platform/Signals.ts"
import * as Telemetry from "./platform/Telemetry.ts"
import { FlutterwaveClient } from "./providers/FlutterwaveClient.ts"
import { FrankfurterSeries } from "./providers/FrankfurterSeries.ts"
import { RateProvider } from "./providers/RateProvider.ts"
import { RateSources } from "./providers/RateSources.ts"
import { Broadcaster } from "./rates/Broadcaster.ts"
import { PollRepo } from "./rates/PollRepo.ts"
import { Quarantine } from "./rates/Quarantine.ts"
import { RateCache } from "./rates/RateCache.ts"
import { RateHistory } from "./rates/RateHistory.ts"
import { RateImport } from "./rates/RateImport.ts"
import { RateIntake } from "./rates/RateIntake.ts"
import { RatePoller } from "./rates/RatePoller.ts"
import { RateRepo } from "./rates/RateRepo.ts"
import { Rates } from "./rates/Rates.ts"

const platform = Layer.mergeAll(SecureRandom.layerWebCrypto, Telemetry.layer).pipe(
  Layer.provideMerge(Settings.layer)
)

const flutterwave = Layer.unwrap(
  Effect.map(Settings, ({ sandbox }) => (sandbox ? FlutterwaveClient.layerSandbox : FlutterwaveClient.layer))
)

const providers = RateProvider.layer.pipe(
  Layer.provide(RateSources.layer),
  Layer.provide(flutterwave),
  Layer.provide(NodeHttpClient.layerUndici)
)

/** What processes share, where there is a Redis to share it through. */
const shared = Layer.unwrap(
  Effect.map(Settings, ({ redisUrl }) =>
    Option.isSome(redisUrl)
      ? Layer.mergeAll(RateCache.layerRedis, Broadcaster.layerRedis).pipe(Layer.provide(Redis.layer))
      : Layer.mergeAll(RateCache.layerMemory, Broadcaster.layerMemory)
  )
)

const database = Database.layer.pipe(Layer.provideMerge(platform))

const rates = Layer.mergeAll(Rates.layer, RatePoller.layer, Quarantine.layer, RateHistory.layer).pipe(
  Layer.provideMerge(RateIntake.layer),
  Layer.provideMerge(shared),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, PollRepo.layer, providers)),
  Layer.provideMerge(database)
)

const imports = RateImport.layer.pipe(
  Layer.provide(FrankfurterSeries.layer.pipe(Layer.provide(NodeHttpClient.layerUndici))),
  Layer.provide(NodeServices.layer),
  Layer.provideMerge(database)
)

const audit = Layer.mergeAll(AuditLog.layer, Receipts.layer, AuditVerifier.layer).pipe(
  Layer.provideMerge(AuditSealer.layer),
  Layer.provideMerge(
    Layer.mergeAll(AuditRepo.layer, SealRepo.layer, AuditSigner.layer.pipe(Layer.provide(NodeServices.layer)))
  )
)

const services = Conversions.layer.pipe(
  Layer.provideMerge(Quotes.layer),
  Layer.provideMerge(Layer.mergeAll(Pricing.layer, QuoteRepo.layer, audit)),
  Layer.provideMerge(rates)
)

const keys = ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer), Layer.provideMerge(database))

const effex = Command.make("effex").pipe(
  Command.withDescription(
    `A self-hosted foreign-exchange service: Flutterwave's rates, kept fresh and served.\n\n${SettingsHelp.text}`
  ),
  Command.withShortDescription("A self-hosted foreign-exchange service"),
  Command.withSubcommands([
    Serve.command.pipe(Command.provide(Layer.merge(services, keys))),
    Poll.command.pipe(Command.provide(rates)),
    Rate.command.pipe(Command.provide(rates)),
    History.command.pipe(Command.provide(rates)),
    LiveRates.command,
    Convert.command.pipe(Command.provide(services)),
    Quote.command.pipe(Command.provide(services)),
    Audit.command.pipe(Command.provide(services)),
    QuarantineCommand.command.pipe(Command.provide(rates)),
    Receipt.command,
    Import.command.pipe(Command.provide(imports)),
    Keys.command.pipe(Command.provide(keys)),
    Migrate.command.pipe(Command.provide(database)),
    Sandbox.command
  ])
)

/** Says what went wrong in one message; what the command line got wrong has been said already. */
const report = (cause: Cause.Cause<unknown>) =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => (Cause.hasInterruptsOnly(cause) ? Effect.void : Console.error(Cause.pretty(cause))),
    onSome: (error) => (CliError.isCliError(error) ? Effect.void : Console.error(messageOf(error)))
  })

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const message = error.message || error.name
  return error.cause === undefined ? message : `${message}: ${messageOf(error.cause)}`
}

/** A signal to stop is obeyed with exit code 0. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  onExit(Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? 0 : 1)

Signals.exitOnSecond()
NodeRuntime.runMain(
  Command.run(effex, { version: "0.1.0" }).pipe(Effect.tapCause(report), Effect.provide(NodeServices.layer)),
  { disableErrorReporting: true, teardown }
)

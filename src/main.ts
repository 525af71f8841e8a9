import "effect/schema/SchemaJITCompiler/enable"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Console, Effect, Exit, Layer, Option, type Runtime } from "effect"
import { CliError, Command } from "effect/cli"
import * as Audit from "./cli/Audit.ts"
import * as Convert from "./cli/Convert.ts"
import * as Doctor from "./cli/doctor/Doctor.ts"
import * as History from "./cli/History.ts"
import * as Import from "./cli/Import.ts"
import * as Keys from "./cli/Keys.ts"
import * as Migrate from "./cli/Migrate.ts"
import * as Poll from "./cli/Poll.ts"
import * as Poller from "./cli/Poller.ts"
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
import { RateLimits } from "./access/RateLimits.ts"
import * as Secrets from "./config/Secrets.ts"
import { Settings } from "./config/Settings.ts"
import { VERSION } from "./config/Version.ts"
import { AuditLog } from "./audit/AuditLog.ts"
import { AuditRepo } from "./audit/AuditRepo.ts"
import { AuditSealer } from "./audit/AuditSealer.ts"
import { AuditSigner } from "./audit/AuditSigner.ts"
import { AuditVerifier } from "./audit/AuditVerifier.ts"
import { Conversions } from "./conversion/Conversions.ts"
import { Pricing } from "./conversion/Pricing.ts"
import { QuoteRepo } from "./conversion/QuoteRepo.ts"
import { Quotes } from "./conversion/Quotes.ts"
import { Receipts } from "./audit/Receipts.ts"
import { SealRepo } from "./audit/SealRepo.ts"
import { UnsealedRecords } from "./audit/UnsealedRecords.ts"
import { Database } from "./platform/postgres/Database.ts"
import { PollCadence } from "./platform/PollCadence.ts"
import * as RandomBytes from "./platform/RandomBytes.ts"
import { redact } from "./platform/telemetry/Redaction.ts"
import { Redis } from "./platform/Redis.ts"
import * as Signals from "./platform/Signals.ts"
import * as Telemetry from "./platform/telemetry/Telemetry.ts"
import { FlutterwaveClient } from "./providers/flutterwave/FlutterwaveClient.ts"
import { FrankfurterSeries } from "./providers/frankfurter/FrankfurterSeries.ts"
import { RateProvider } from "./providers/RateProvider.ts"
import { RateSources } from "./providers/RateSources.ts"
import { Broadcaster } from "./rates/feed/Broadcaster.ts"
import { PollerSettingRepo } from "./rates/polling/PollerSettingRepo.ts"
import { PollerSettings } from "./rates/polling/PollerSettings.ts"
import { PollRepo } from "./rates/polling/PollRepo.ts"
import { Polls } from "./rates/polling/Polls.ts"
import { Quarantine } from "./rates/guard/Quarantine.ts"
import { RateCache } from "./rates/lookup/RateCache.ts"
import { RateHistory } from "./rates/history/RateHistory.ts"
import { RateImport } from "./rates/import/RateImport.ts"
import { RateIngest } from "./rates/RateIngest.ts"
import { RatePoller } from "./rates/polling/RatePoller.ts"
import { RateRepo } from "./rates/RateRepo.ts"
import { Rates } from "./rates/lookup/Rates.ts"

const platform = Layer.mergeAll(RandomBytes.layer, Telemetry.layer).pipe(Layer.provideMerge(Settings.layer))

const providers = RateProvider.layer.pipe(
  Layer.provide(RateSources.layer),
  Layer.provide(FlutterwaveClient.layerSettings),
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

const pollerSettings = PollerSettings.layer.pipe(
  Layer.provide(PollerSettingRepo.layer),
  Layer.provideMerge(database)
)

const rates = Layer.mergeAll(
  Rates.layer,
  RatePoller.layer,
  Polls.layer,
  Quarantine.layer,
  RateHistory.layer
).pipe(
  Layer.provideMerge(RateIngest.layer),
  Layer.provideMerge(shared),
  Layer.provideMerge(Layer.mergeAll(RateRepo.layer, PollRepo.layer, providers)),
  Layer.provideMerge(pollerSettings)
)

const imports = RateImport.layer.pipe(
  Layer.provide(
    FrankfurterSeries.layer.pipe(Layer.provide([NodeHttpClient.layerUndici, PollCadence.layerSettings]))
  ),
  Layer.provide(NodeServices.layer),
  Layer.provideMerge(database)
)

const audit = Layer.mergeAll(AuditLog.layer, Receipts.layer, AuditVerifier.layer).pipe(
  Layer.provideMerge(AuditSealer.layer),
  Layer.provideMerge(
    Layer.mergeAll(
      AuditRepo.layer,
      SealRepo.layer,
      UnsealedRecords.layer,
      AuditSigner.layer.pipe(Layer.provide(NodeServices.layer))
    )
  )
)

const services = Conversions.layer.pipe(
  Layer.provideMerge(Quotes.layer),
  Layer.provideMerge(Layer.mergeAll(Pricing.layer, QuoteRepo.layer, audit)),
  Layer.provideMerge(rates)
)

const keys = ApiKeys.layer.pipe(Layer.provide(ApiKeyRepo.layer), Layer.provideMerge(database))

const limits = Layer.unwrap(
  Effect.map(Settings, ({ redisUrl }) =>
    Option.isSome(redisUrl) ? RateLimits.layerRedis.pipe(Layer.provide(Redis.layer)) : RateLimits.layerMemory
  )
).pipe(Layer.provide(platform))

const effex = Command.make("effex").pipe(
  Command.withDescription(
    `A self-hosted foreign-exchange service: Flutterwave's rates, kept fresh and served.\n\n${SettingsHelp.text}`
  ),
  Command.withShortDescription("A self-hosted foreign-exchange service"),
  Command.withSubcommands([
    Serve.command.pipe(Command.provide(Layer.mergeAll(services, keys, limits))),
    Poll.command.pipe(Command.provide(rates)),
    Poller.command.pipe(Command.provide(pollerSettings)),
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
    Doctor.command,
    Migrate.command.pipe(Command.provide(database)),
    Sandbox.command
  ])
)

/** Says what went wrong in one message; what the command line got wrong has been said already. */
const report = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  if (Cause.hasInterruptsOnly(cause)) return
  const error = Cause.findErrorOption(cause)
  if (Option.exists(error, CliError.isCliError)) return
  const text = Option.match(error, { onNone: () => Cause.pretty(cause), onSome: messageOf })
  yield* Console.error(redact(text, yield* Secrets.read))
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
  Command.run(effex, { version: VERSION }).pipe(Effect.tapCause(report), Effect.provide(NodeServices.layer)),
  { disableErrorReporting: true, teardown }
)

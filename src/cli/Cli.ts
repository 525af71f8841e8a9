import { Command } from "effect/cli"
import * as CommandLayers from "../CommandLayers.ts"
import * as Assets from "./assets/Assets.ts"
import * as Audit from "./audit/Audit.ts"
import * as Archive from "./archive/Archive.ts"
import * as Convert from "./conversion/Convert.ts"
import * as Doctor from "./doctor/Doctor.ts"
import * as Batches from "./orders/Batches.ts"
import * as Funding from "./ledger/Funding.ts"
import * as History from "./rates/History.ts"
import * as Import from "./rates/Import.ts"
import * as Keys from "./access/Keys.ts"
import * as Load from "./load/Load.ts"
import * as Ledger from "./ledger/Ledger.ts"
import * as Migrate from "./server/Migrate.ts"
import * as OpenApi from "./server/OpenApi.ts"
import * as Orders from "./orders/Orders.ts"
import * as Poll from "./rates/Poll.ts"
import * as Poller from "./rates/Poller.ts"
import * as Quarantine from "./rates/Quarantine.ts"
import * as Quote from "./conversion/Quote.ts"
import * as Rate from "./rates/Rate.ts"
import * as Rates from "./rates/Rates.ts"
import * as RatesRepair from "./rates/RatesRepair.ts"
import * as Receipt from "./audit/Receipt.ts"
import * as Sandbox from "./server/Sandbox.ts"
import * as Seed from "./seed/Seed.ts"
import * as Serve from "./server/Serve.ts"
import * as SettingsHelp from "./SettingsHelp.ts"
import * as Users from "./access/Users.ts"

/** The command `effex`, with all its subcommands. */
export const effex = Command.make("effex").pipe(
  Command.withDescription(`A self-hosted foreign-exchange rate service.\n\n${SettingsHelp.text}`),
  Command.withShortDescription("A self-hosted foreign-exchange rate service"),
  Command.withSubcommands([
    Serve.make(CommandLayers.app),
    Poll.command.pipe(Command.provide(CommandLayers.ratesApp)),
    Poller.command.pipe(Command.provide(CommandLayers.pollerSettingsApp)),
    Rate.command.pipe(Command.provide(CommandLayers.ratesApp)),
    History.command.pipe(Command.provide(CommandLayers.ratesApp)),
    Rates.command.pipe(
      Command.withSubcommands([RatesRepair.command.pipe(Command.provide(CommandLayers.rateRepairApp))])
    ),
    Convert.command.pipe(Command.provide(CommandLayers.featuresApp)),
    Quote.command.pipe(Command.provide(CommandLayers.featuresApp)),
    Audit.command.pipe(Command.provide(CommandLayers.featuresApp)),
    Ledger.command.pipe(Command.provide(CommandLayers.ledgerApp)),
    Funding.command.pipe(Command.provide(CommandLayers.fundingApp)),
    Orders.command.pipe(Command.provide(CommandLayers.ordersApp)),
    Batches.command.pipe(Command.provide(CommandLayers.batchesApp)),
    Quarantine.command.pipe(Command.provide(CommandLayers.ratesApp)),
    Receipt.command,
    Import.command.pipe(Command.provide(CommandLayers.importsApp)),
    Assets.command.pipe(Command.provide(CommandLayers.assetsApp)),
    Keys.command.pipe(Command.provide(CommandLayers.apiKeysApp)),
    Users.command.pipe(Command.provide(CommandLayers.usersApp)),
    Archive.command.pipe(Command.provide(CommandLayers.archiveApp)),
    Seed.command.pipe(Command.provide(CommandLayers.seedApp)),
    Load.command,
    Doctor.command,
    OpenApi.command,
    Migrate.command.pipe(Command.provide(CommandLayers.databaseApp)),
    Sandbox.command
  ])
)

import { Command } from "effect/cli"
import * as App from "../App.ts"
import * as Assets from "./assets/Assets.ts"
import * as Audit from "./audit/Audit.ts"
import * as Convert from "./Convert.ts"
import * as Doctor from "./doctor/Doctor.ts"
import * as History from "./rates/History.ts"
import * as Import from "./rates/Import.ts"
import * as Keys from "./Keys.ts"
import * as Ledger from "./Ledger.ts"
import * as Migrate from "./Migrate.ts"
import * as OpenApi from "./OpenApi.ts"
import * as Poll from "./Poll.ts"
import * as Poller from "./Poller.ts"
import * as Quarantine from "./Quarantine.ts"
import * as Quote from "./Quote.ts"
import * as Rate from "./rates/Rate.ts"
import * as Rates from "./rates/Rates.ts"
import * as RatesRepair from "./rates/RatesRepair.ts"
import * as Receipt from "./audit/Receipt.ts"
import * as Sandbox from "./Sandbox.ts"
import * as Serve from "./Serve.ts"
import * as SettingsHelp from "./SettingsHelp.ts"
import * as Users from "./Users.ts"

/** The command `effex`, with all its subcommands. */
export const effex = Command.make("effex").pipe(
  Command.withDescription(`A self-hosted foreign-exchange rate service.\n\n${SettingsHelp.text}`),
  Command.withShortDescription("A self-hosted foreign-exchange rate service"),
  Command.withSubcommands([
    Serve.make(App.app),
    Poll.command.pipe(Command.provide(App.ratesApp)),
    Poller.command.pipe(Command.provide(App.pollerSettingsApp)),
    Rate.command.pipe(Command.provide(App.ratesApp)),
    History.command.pipe(Command.provide(App.ratesApp)),
    Rates.command.pipe(
      Command.withSubcommands([RatesRepair.command.pipe(Command.provide(App.rateRepairApp))])
    ),
    Convert.command.pipe(Command.provide(App.featuresApp)),
    Quote.command.pipe(Command.provide(App.featuresApp)),
    Audit.command.pipe(Command.provide(App.featuresApp)),
    Ledger.command.pipe(Command.provide(App.ledgerApp)),
    Quarantine.command.pipe(Command.provide(App.ratesApp)),
    Receipt.command,
    Import.command.pipe(Command.provide(App.importsApp)),
    Assets.command.pipe(Command.provide(App.assetsApp)),
    Keys.command.pipe(Command.provide(App.apiKeysApp)),
    Users.command.pipe(Command.provide(App.usersApp)),
    Doctor.command,
    OpenApi.command,
    Migrate.command.pipe(Command.provide(App.databaseApp)),
    Sandbox.command
  ])
)

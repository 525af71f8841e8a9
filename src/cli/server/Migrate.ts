import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Database } from "../../platform/postgres/Database.ts"

/** `effex migrate`: applies pending migrations, as every start does, and exits. */
export const command = Command.make("migrate", {}, () =>
  Effect.andThen(Effect.service(Database), Console.log("The database is up to date"))
).pipe(Command.withDescription("Apply pending database migrations"))

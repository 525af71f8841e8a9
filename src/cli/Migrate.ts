import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Database } from "../platform/postgres/Database.ts"

/** `effex migrate`: brings the database's schema up to date, as every start does, and ends. */
export const command = Command.make("migrate", {}, () =>
  Effect.andThen(Effect.service(Database), Console.log("The database is up to date"))
).pipe(Command.withDescription("Bring the schema of the database up to date"))

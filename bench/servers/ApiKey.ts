import { Effect } from "effect"
import * as Processes from "../Processes.ts"
import type { BenchDatabase } from "../Stores.ts"
import * as Servers from "./Servers.ts"

/** Creates an API key in the database of a server. */
export const create = ({ url }: BenchDatabase) =>
  Processes.output([Servers.EFFEX, "keys", "create", "--name", "bench", "--scope", "rates:read"], {
    // Keeps effex from reading the project's `.env`.
    cwd: "/",
    env: { HOME: process.env["HOME"], PATH: process.env["PATH"], DATABASE_URL: url }
  }).pipe(Effect.map((output) => output.trim()))

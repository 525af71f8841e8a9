import { hostname } from "node:os"
import * as Attacks from "./Attacks.ts"

/** What nobody outside should ever read. */
const LEAKS = [
  /node_modules|file:\/\/\/\w|\/src\/\w+\/\w+\.[jt]s|\.[jt]s:\d+:\d+/,
  /\n\s+at \S+ \(/,
  /SqlError|PgClient|SqlClient|ECONNREFUSED|ENOENT|pg_catalog/,
  /\b(INSERT INTO|SELECT .{1,80} FROM|violates \w+ constraint|invalid input syntax|invalid byte sequence)\b/,
  /exchange_rate\b|conversion_audit\b|latest_rate\b/,
  /postgres(ql)?:\/\/|redis:\/\/|\.s\.PGSQL/,
  /Unforeseen|FiberFailure|TypeError|RangeError|SyntaxError/,
  /\[object \w+\]|\bundefined\b/
]
const HOST = hostname()

/** What was told of the inside, apart from what the caller said first, in this request or in one that was kept. */
export const find = (told: string, said: string): ReadonlyArray<string> => {
  const found = [...LEAKS.map((leak) => leak.exec(told)?.[0]), told.includes(HOST) ? HOST : undefined]
  return found
    .filter((leak) => leak !== undefined)
    .filter((leak) => ![said, ...Attacks.texts].some((text) => text.includes(leak)))
}

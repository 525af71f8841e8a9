import { hostname } from "node:os"
import * as Definitions from "../../src/config/SettingDefinitions.ts"
import { PASSWORD } from "./Callers.ts"
import * as Attacks from "./requests/Attacks.ts"

/** Internals that must not appear in a response. */
const LEAK_PATTERNS = [
  /node_modules|file:\/\/\/\w|\/src\/\w+\/\w+\.[jt]s|\.[jt]s:\d+:\d+/,
  /\n\s+at \S+ \(/,
  /SqlError|PgClient|SqlClient|ECONNREFUSED|ENOENT|pg_catalog/,
  /\b(INSERT INTO|SELECT .{1,80} FROM|violates \w+ constraint|invalid input syntax|invalid byte sequence)\b/,
  /\$argon2|password_hash\b/,
  /exchange_rate\b|conversion_audit\b|latest_rate\b/,
  /postgres(ql)?:\/\/|redis:\/\/|\.s\.PGSQL/,
  /Unexpected failure|FiberFailure|TypeError|RangeError|SyntaxError/,
  /\[object \w+\]|\bundefined\b/
]
const HOST = hostname()
/** A short name can occur in the random letters of a token or a code. */
const HOST_PATTERN = new RegExp(`(?<![\\w-])${HOST.replaceAll(/[^\w-]/g, "\\$&")}(?![\\w-])`)
/** Documentation of settings, which an administrator can read: it has examples of URLs. */
const DOCUMENTATION = Definitions.all.flatMap(({ allowed, description }) => [allowed, description])

/**
 * Returns internals in a response, except for text that came from the request or from an earlier attack. A password must
 * not be in a response, not even in that to a request which contains it.
 */
export const find = (response: string, request: string): ReadonlyArray<string> => {
  const undocumented = DOCUMENTATION.reduce((text, documented) => text.replaceAll(documented, ""), response)
  const found = [
    ...LEAK_PATTERNS.map((pattern) => pattern.exec(undocumented)?.[0]),
    HOST_PATTERN.test(response) ? HOST : undefined
  ]
  return found
    .filter((leak) => leak !== undefined)
    .filter((leak) => ![request, ...Attacks.texts].some((text) => text.includes(leak)))
    .concat(response.includes(PASSWORD) ? [PASSWORD] : [])
}

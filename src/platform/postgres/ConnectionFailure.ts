import { PgClient } from "@effect/sql-pg"
import { Effect, Option, Predicate, Redacted, Schema } from "effect"
import { rootCause, rootMessage } from "../RootCause.ts"

/** Reason for which PostgreSQL cannot be used, with the remedy. Without secrets. */
export class ConnectionFailure extends Schema.TaggedError<ConnectionFailure>()("ConnectionFailure", {
  /** `host:port/database`, or the path of a socket. */
  target: Schema.String,
  detail: Schema.String,
  advice: Schema.String,
  /** Waiting can help. */
  isTransient: Schema.Boolean
}) {
  override get message(): string {
    return `PostgreSQL at ${this.target}: ${this.detail}; ${this.advice}`
  }
}

type Reason = readonly [detail: string, advice: string, isTransient: boolean]

/** By error code of Node.js, or SQLSTATE: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const reasons: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: [
    "nothing listens there",
    "start PostgreSQL, or correct the host and port in DATABASE_URL",
    true
  ],
  ENOTFOUND: ["the host name is unknown", "correct the host in DATABASE_URL", true],
  EAI_AGAIN: ["the host name cannot be resolved now", "check DNS and the host in DATABASE_URL", true],
  ENOENT: ["the socket does not exist", "start PostgreSQL, or correct DATABASE_URL", true],
  EHOSTUNREACH: ["the host cannot be reached", "check the network and the host in DATABASE_URL", true],
  ENETUNREACH: ["the network cannot be reached", "check the network and the host in DATABASE_URL", true],
  ETIMEDOUT: ["no response", "check the network, firewalls, and the host and port in DATABASE_URL", true],
  ECONNRESET: ["the connection was closed", "check that it is a PostgreSQL server", true],
  "28P01": ["the password is wrong", "correct the user and password in DATABASE_URL", false],
  "28000": [
    "the user may not connect",
    "correct the user in DATABASE_URL, or allow it in pg_hba.conf",
    false
  ],
  "3D000": [
    "the database does not exist",
    "create it with createdb, or correct its name in DATABASE_URL",
    false
  ],
  "42501": [
    "the user lacks a privilege",
    "let the user own the database, or grant CREATE on its schema",
    false
  ],
  "25006": ["it is read-only", "connect to the primary server", true],
  "53100": ["its disk is full", "free space on the server", true],
  "53300": ["it has too many connections", "raise max_connections, or run fewer nodes", true],
  "57P03": ["it is starting", "wait", true]
}

/** Describes an error of the driver. */
export const describe = (error: unknown) =>
  Effect.map(Effect.serviceOption(PgClient.PgClient), (client) =>
    explain(
      error,
      Option.match(client, { onNone: () => "DATABASE_URL", onSome: ({ config }) => targetOf(config) })
    )
  )

/** Explains an error of a connection to a target. */
export const explain = (error: unknown, target: string): ConnectionFailure => {
  const [code, message] = [codeOf(error), rootMessage(error)]
  if (/TLS|SSL|certificate/i.test(`${message} ${code}`)) {
    const advice = "correct sslmode in DATABASE_URL, or the certificate of the server"
    return new ConnectionFailure({ target, detail: `TLS failed (${message})`, advice, isTransient: false })
  }
  const [detail, advice, isTransient] = reasons[code] ?? [
    message,
    "check DATABASE_URL, and that PostgreSQL runs there",
    true
  ]
  // The message of the server names the user, the database or the privilege.
  const isSqlState = code.length === 5 && /\d/.test(code)
  const found = reasons[code] !== undefined && isSqlState ? `${detail} (${message})` : detail
  return new ConnectionFailure({ target, detail: found, advice, isTransient })
}

/** Returns what is wrong with a connection, without the names of its user, host and database. Undefined if that is not known. */
export const reasonOf = (error: unknown): string | undefined => reasons[codeOf(error)]?.[0]

/** Returns the code of the innermost cause. Empty if it has none. */
const codeOf = (error: unknown): string => {
  const cause = rootCause(error)
  return Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code) ? cause.code : ""
}

/** Returns where a client connects to, without user and password. */
export const targetOf = (config: PgClient.PgClient["config"]): string => {
  const url = config.url === undefined ? "" : Redacted.value(config.url)
  if (!URL.canParse(url)) return config.path ?? `${config.host ?? "localhost"}:${config.port ?? 5432}`
  const { hostname, pathname, port, searchParams } = new URL(url)
  return `${hostname || (searchParams.get("host") ?? "localhost")}:${port || 5432}${pathname}`
}

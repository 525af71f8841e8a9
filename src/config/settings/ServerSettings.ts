import { Duration, Option } from "effect"
import { define } from "../SettingDefinition.ts"
import { duration, oneOf, optional, optionalSecret, url, wholeNumber } from "../SettingParsers.ts"

/** Settings for the listener and for storage. */

export const HOST = define({
  name: "HOST",
  defaultValue: "127.0.0.1",
  defaultText: "127.0.0.1",
  description: "Address to listen on",
  allowed: "an IP address or a host name",
  parse: (text) => (/^[\w.:-]+$/.test(text) ? Option.some(text) : Option.none())
})

export const PORT = define({
  name: "PORT",
  defaultValue: 8000,
  defaultText: "8000",
  description: "Port to listen on. 0 selects a free port",
  allowed: "a whole number from 0 to 65535",
  parse: wholeNumber(0, 65535)
})

export const PUBLIC_URL = define({
  name: "PUBLIC_URL",
  defaultText: "none: every host name is accepted",
  description:
    "URL under which users reach effex. Requests to another host name are rejected, other than to an IP address, localhost and names without a dot",
  allowed: "http://host or https://host, with a port if it is not the default",
  ...optional((text) =>
    Option.map(url("http:", "https:")(text), (base) => base.replace(/\/+$/, "")).pipe(
      Option.filter((base) => new URL(base).origin === base)
    )
  )
})

const onOff = oneOf("on", "off")

export const WEB = define({
  name: "WEB",
  defaultValue: true,
  defaultText: "on",
  description: "Serves the web app at `/`. `off` serves only the API and its documentation",
  allowed: onOff.allowed,
  parse: (text) => Option.map(onOff.parse(text), (value) => value === "on")
})

export const DATABASE_URL = define({
  name: "DATABASE_URL",
  defaultText: "none: an embedded PostgreSQL in DATA_DIR",
  description: "URL of the PostgreSQL database",
  allowed: "postgres://user:password@host:port/database",
  ...optionalSecret(url("postgres:", "postgresql:"))
})

export const DATABASE_READ_URL = define({
  name: "DATABASE_READ_URL",
  defaultText: "none: DATABASE_URL answers all reads",
  description:
    "URL of a streaming replica of the database, which answers history, exports, statements and lists",
  allowed: "postgres://user:password@host:port/database",
  ...optionalSecret(url("postgres:", "postgresql:"))
})

export const DATABASE_READ_MAX_LAG = define({
  name: "DATABASE_READ_MAX_LAG",
  defaultValue: Duration.millis(500),
  defaultText: "500 millis",
  description:
    "Longest time that a read waits for the replica to have everything that was committed before. While the replica lags more, DATABASE_URL answers",
  ...duration("10 millis", "3 seconds")
})

export const DATA_DIR = define({
  name: "DATA_DIR",
  defaultValue: ".effex",
  defaultText: ".effex",
  description: "Directory of the embedded PostgreSQL and of generated keys",
  allowed: "a path",
  parse: Option.some<string>
})

export const REDIS_URL = define({
  name: "REDIS_URL",
  defaultText: "none: cache, streams and rate limits are local to each process",
  description: "URL of the Redis or Valkey server that nodes share",
  allowed: "redis://host:port or rediss://host:port",
  ...optionalSecret(url("redis:", "rediss:"))
})

export const REDIS_PREFIX = define({
  name: "REDIS_PREFIX",
  defaultValue: "",
  defaultText: "none: keys begin with `fxrate:` and `effex:`",
  description: "Text before the name of every key in Redis, to separate deployments that share one",
  allowed: "1 to 64 letters, digits, dots, hyphens, underscores and colons, such as staging:",
  parse: (text) => (/^[\w.:-]{1,64}$/.test(text) ? Option.some(text) : Option.none())
})

/** Settings of the listener and of storage, by the names of their values. */
export const serverSettings = {
  host: HOST,
  port: PORT,
  /** URL of this server for its users. None: any. */
  publicUrl: PUBLIC_URL,
  /** Serves the web app. */
  web: WEB,
  /** None: an embedded PostgreSQL under `dataDir`. */
  databaseUrl: DATABASE_URL,
  /** A streaming replica for reads. None: `databaseUrl` answers all reads. */
  databaseReadUrl: DATABASE_READ_URL,
  /** Longest time that a read waits for the replica. */
  databaseReadMaxLag: DATABASE_READ_MAX_LAG,
  dataDir: DATA_DIR,
  /** None: cache, streams and rate limits are local to the process. */
  redisUrl: REDIS_URL,
  /** Text before the name of every key in Redis. */
  redisPrefix: REDIS_PREFIX
}

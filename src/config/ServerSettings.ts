import { Option } from "effect"
import { define } from "./SettingDefinition.ts"
import { optional, url, wholeNumber } from "./SettingParsers.ts"

/** Where a node listens, and where it keeps what it knows. */

export const HOST = define({
  name: "HOST",
  fallback: "127.0.0.1",
  shown: "127.0.0.1",
  meaning: "the address to listen on",
  allowed: "an address or a host name",
  parse: (text) => (/^[\w.:-]+$/.test(text) ? Option.some(text) : Option.none())
})

export const PORT = define({
  name: "PORT",
  fallback: 8000,
  shown: "8000",
  meaning: "the port to listen on; 0 takes a free one",
  allowed: "a whole number from 0 to 65535",
  parse: wholeNumber(0, 65535)
})

export const DATABASE_URL = define({
  name: "DATABASE_URL",
  shown: "none: an embedded PostgreSQL under DATA_DIR",
  meaning: "the PostgreSQL to keep everything in",
  allowed: "postgres://user:password@host:port/database",
  secret: true,
  ...optional(url("postgres:", "postgresql:"))
})

export const DATA_DIR = define({
  name: "DATA_DIR",
  fallback: ".effex",
  shown: ".effex",
  meaning: "the folder of the embedded PostgreSQL",
  allowed: "a path",
  parse: Option.some<string>
})

export const REDIS_URL = define({
  name: "REDIS_URL",
  shown: "none: the cache lives in this process",
  meaning: "the Redis or Valkey to share the cache through",
  allowed: "redis://host:port or rediss://host:port",
  secret: true,
  ...optional(url("redis:", "rediss:"))
})

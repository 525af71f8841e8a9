import { Option } from "effect"
import type { IpNetwork } from "effect/net"
import { define } from "./SettingDefinition.ts"
import { listOf, network, origin, orOff, quotaOrOff, wholeNumber } from "./SettingParsers.ts"

/** Who may ask, from where, and how much. */

export const CORS_ORIGINS = define<Option.Option<ReadonlyArray<string>>>({
  name: "CORS_ORIGINS",
  fallback: Option.none(),
  shown: "*",
  meaning: "the web origins that may read from a browser",
  allowed: "* or origins such as https://app.example.com, separated by commas",
  parse: (text) => (text === "*" ? Option.some(Option.none()) : Option.map(listOf(origin)(text), Option.some))
})

export const STREAMS_PER_ADDRESS = define<Option.Option<number>>({
  name: "STREAMS_PER_ADDRESS",
  fallback: Option.some(5000),
  shown: "5000",
  meaning: "how many streams (WebSocket, SSE, RPC) one address may have open on a node",
  allowed: "off, or a whole number from 1 to 999999",
  parse: orOff(wholeNumber(1, 999_999))
})

export const TRUSTED_PROXIES = define<ReadonlyArray<IpNetwork.IpNetwork>>({
  name: "TRUSTED_PROXIES",
  fallback: [],
  shown: "none",
  meaning: "the proxies whose `X-Forwarded-For` says who asks; without it everybody behind one is one caller",
  allowed: "addresses and networks such as 10.0.0.0/8 or ::1, separated by commas",
  parse: listOf(network)
})

export const RATE_LIMIT_READS = define({
  name: "RATE_LIMIT_READS",
  shown: "6000/minute",
  meaning: "how much one caller (an API key, else an address) may read from a node",
  ...quotaOrOff("6000/minute")
})

export const RATE_LIMIT_WRITES = define({
  name: "RATE_LIMIT_WRITES",
  shown: "600/minute",
  meaning: "how much one caller may convert, quote and change, on all nodes together",
  ...quotaOrOff("600/minute")
})

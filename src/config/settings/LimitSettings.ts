import { Duration, Option } from "effect"
import type { IpNetwork } from "effect/net"
import { define } from "../SettingDefinition.ts"
import {
  duration,
  listOf,
  network,
  optionalSecret,
  origin,
  orOff,
  quotaOrOff,
  wholeNumber
} from "../SettingParsers.ts"

/** Settings for browser access, proxies and rate limits. */

export const CORS_ORIGINS = define<Option.Option<ReadonlyArray<string>>>({
  name: "CORS_ORIGINS",
  defaultValue: Option.none(),
  defaultText: "*",
  description: "Web origins that may call the API from a browser (CORS)",
  allowed: "*, or a comma-separated list of origins such as https://app.example.com",
  parse: (text) => (text === "*" ? Option.some(Option.none()) : Option.map(listOf(origin)(text), Option.some))
})

export const STREAMS_PER_ADDRESS = define<Option.Option<number>>({
  name: "STREAMS_PER_ADDRESS",
  defaultValue: Option.some(5000),
  defaultText: "5000",
  description: "Maximum open streams (WebSocket, SSE, RPC) per client address, on each node",
  allowed: "off, or a whole number from 1 to 999999",
  parse: orOff(wholeNumber(1, 999_999))
})

export const TRUSTED_PROXIES = define<ReadonlyArray<IpNetwork.IpNetwork>>({
  name: "TRUSTED_PROXIES",
  defaultValue: [],
  defaultText: "none",
  description:
    "Proxies whose `X-Forwarded-For` header is trusted. If not set, all clients behind a proxy count as one caller",
  allowed: "a comma-separated list of addresses and networks such as 10.0.0.0/8 or ::1",
  parse: listOf(network)
})

export const RATE_LIMIT_READS = define({
  name: "RATE_LIMIT_READS",
  defaultText: "6000/minute",
  description: "Maximum read requests per caller (API key, or address without one), on each node",
  ...quotaOrOff("6000/minute")
})

export const RATE_LIMIT_WRITES = define({
  name: "RATE_LIMIT_WRITES",
  defaultText: "600/minute",
  description: "Maximum write requests (conversions, quotes, admin changes) per caller, across all nodes",
  ...quotaOrOff("600/minute")
})

export const RATE_LIMIT_REFRESHES = define({
  name: "RATE_LIMIT_REFRESHES",
  defaultText: "10/minute",
  description:
    "Maximum refreshes that a caller may cause, on each node: by `max_age` while the rate is not stale, and by lookups of pairs that are not polled. All callers without a key together may cause three times as many, and so may all with a key",
  ...quotaOrOff("10/minute")
})

export const ON_DEMAND_LIMIT = define({
  name: "ON_DEMAND_LIMIT",
  defaultText: "60/minute",
  description: "Maximum provider calls of all callers for pairs that are not polled, on each node",
  ...quotaOrOff("60/minute")
})

export const MAX_AGE_FLOOR = define({
  name: "MAX_AGE_FLOOR",
  defaultValue: Duration.seconds(30),
  defaultText: "30 seconds",
  description: "Smallest `max_age` of a caller without an API key. A smaller one counts as this",
  ...duration("0 millis", "1 day")
})

export const METRICS_TOKEN = define({
  name: "METRICS_TOKEN",
  defaultText: "none: everybody can read the metrics",
  description: "Bearer token that `GET /metrics` requires. The metrics show how much is converted",
  allowed: "16 to 256 letters, digits, hyphens, underscores and dots",
  ...optionalSecret(Option.liftPredicate((text: string) => /^[\w.-]{16,256}$/.test(text)))
})

/** Settings of browser access, proxies and limits, by the names of their values. */
export const limitSettings = {
  /** Allowed CORS origins. None: all. */
  corsOrigins: CORS_ORIGINS,
  /** Maximum open streams per address and node. None: unlimited. */
  streamsPerAddress: STREAMS_PER_ADDRESS,
  /** Proxies whose `X-Forwarded-For` is trusted. */
  trustedProxies: TRUSTED_PROXIES,
  /** Read limit per caller and node. None: unlimited. */
  readQuota: RATE_LIMIT_READS,
  /** Write limit per caller, across all nodes. None: unlimited. */
  writeQuota: RATE_LIMIT_WRITES,
  /** Limit of provider calls that `max_age` of one caller demands. None: no limit. */
  refreshQuota: RATE_LIMIT_REFRESHES,
  /** Limit of provider calls of this node for pairs that are not polled. None: no limit. */
  onDemandQuota: ON_DEMAND_LIMIT,
  /** Smallest `max_age` of a caller without an API key. */
  maxAgeFloor: MAX_AGE_FLOOR,
  /** Bearer token that the metrics require. */
  metricsToken: METRICS_TOKEN
}

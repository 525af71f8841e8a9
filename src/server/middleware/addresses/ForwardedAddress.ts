import { Duration, Effect, Metric, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import * as HttpMetrics from "../../../platform/metrics/HttpMetrics.ts"
import * as MonotonicClock from "../../../platform/MonotonicClock.ts"

/** Maximum number of entries of each cache. A full cache is cleared. */
const MAX_CACHE_ENTRIES = 1000
/** Longer header values are not cached, which bounds the memory. */
const MAX_CACHED_LENGTH = 64
/** Minimum time between two warnings of unreadable headers. */
const WARNING_INTERVAL = Duration.minutes(10)
/** Maximum length of a header value in a warning. */
const MAX_EXCERPT_LENGTH = 64

/**
 * Creates a function that returns the client's address from the address of the connection and `X-Forwarded-For`, by the
 * rules of Effect's `HttpMiddleware.xForwardedHeaders`, which the router uses: the right-most address that is not a trusted
 * proxy. It returns undefined if a trusted proxy sent an unreadable header; such a request counts as the proxy's own.
 */
export const makeResolver = (trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>) => {
  const isTrusted = (address: NetAddress.IpAddress) =>
    trustedProxies.some((network) => IpNetwork.contains(network, address))

  const trustByPeer = new Map<string, boolean>()
  const isTrustedPeer = (peer: string) => {
    const cached = trustByPeer.get(peer)
    if (cached !== undefined) return cached
    const address = parseAddress(peer)
    const trusted = address !== undefined && isTrusted(address)
    put(trustByPeer, peer, trusted)
    return trusted
  }

  /** Returns undefined if an address is malformed. */
  const resolve = (forwardedFor: string): string | undefined => {
    const hops = forwardedFor.split(",")
    for (let index = hops.length - 1; index >= 0; index--) {
      const address = parseAddress((hops[index] ?? "").trim())
      if (address === undefined) return undefined
      if (index === 0 || !isTrusted(address)) return NetAddress.formatIp(address)
    }
    return undefined
  }

  const clientByHeader = new Map<string, string>()

  return (peer: string | undefined, forwardedFor: string | undefined): string | undefined => {
    if (peer === undefined || forwardedFor === undefined || !isTrustedPeer(peer)) return peer
    const cached = clientByHeader.get(forwardedFor)
    if (cached !== undefined) return cached
    const client = resolve(forwardedFor)
    if (client !== undefined && forwardedFor.length <= MAX_CACHED_LENGTH)
      put(clientByHeader, forwardedFor, client)
    return client
  }
}

/** Creates a function that counts a request with an unreadable `X-Forwarded-For`, and warns of it at most every 10 minutes. */
export const makeReporter = () => {
  let unreported = 0
  let nextWarningAt = Number.NEGATIVE_INFINITY
  return Effect.fnUntraced(function* (forwardedFor: string) {
    unreported++
    yield* Metric.update(HttpMetrics.unreadableForwardedFor, 1)
    const now = yield* MonotonicClock.millis
    if (now < nextWarningAt) return
    nextWarningAt = now + Duration.toMillis(WARNING_INTERVAL)
    const excerpt = forwardedFor.slice(-MAX_EXCERPT_LENGTH).replaceAll(/[^\x20-\x7e]/g, "?")
    yield* Effect.logWarning(
      `X-Forwarded-For of a trusted proxy is not a list of IP addresses: "${excerpt}" (${unreported} since the last warning). ` +
        "Such requests share the limits of the proxy; configure it to append the address of the client"
    )
    unreported = 0
  })
}

const put = <A>(cache: Map<string, A>, key: string, value: A) => {
  if (cache.size >= MAX_CACHE_ENTRIES) cache.clear()
  cache.set(key, value)
}

/** Parses an address with or without a port and brackets. */
const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const ip = NetAddress.ipFromString(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (Result.isSuccess(ip)) return NetAddress.toCanonical(ip.success)
  const withPort = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(withPort) ? NetAddress.toCanonical(withPort.success.address) : undefined
}

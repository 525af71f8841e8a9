import { Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"

/** Maximum number of peers whose trust is cached. Production has few proxies. */
const MAX_CACHED_PEERS = 1000

/**
 * Creates a function that returns the client's address from the address of the connection and `X-Forwarded-For`, by the
 * rules of Effect's `HttpMiddleware.xForwardedHeaders`, which the router uses: the right-most address that is not a trusted
 * proxy.
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
    if (trustByPeer.size >= MAX_CACHED_PEERS) trustByPeer.clear()
    trustByPeer.set(peer, trusted)
    return trusted
  }

  return (peer: string | undefined, forwardedFor: string | undefined): string | undefined => {
    if (peer === undefined || forwardedFor === undefined || !isTrustedPeer(peer)) return peer
    const hops = forwardedFor.split(",")
    for (let index = hops.length - 1; index >= 0; index--) {
      const address = parseAddress((hops[index] ?? "").trim())
      if (address === undefined) return peer
      if (index === 0 || !isTrusted(address)) return NetAddress.formatIp(address)
    }
    return peer
  }
}

/** Parses an address with or without a port and brackets. */
const parseAddress = (text: string): NetAddress.IpAddress | undefined => {
  const ip = NetAddress.ipFromString(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (Result.isSuccess(ip)) return NetAddress.toCanonical(ip.success)
  const withPort = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(withPort) ? NetAddress.toCanonical(withPort.success.address) : undefined
}

import { Context, Effect, Layer, Option, Result } from "effect"
import { HttpMiddleware, HttpRouter, type HttpServerRequest } from "effect/http"
import { NetAddress } from "effect/net"
import { Settings } from "../../config/Settings.ts"

/**
 * Who asks, where they show no key: an address of IPv4, or the 64 bits that one subscriber has of IPv6, in which there
 * are more addresses than anybody could count. `TRUSTED_PROXIES` are believed when they say for whom they ask.
 */
export const of = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string =>
  ofText(Option.getOrUndefined(remoteAddress))

/** As {@link of}, by the address of a connection, such as `192.0.2.1`; empty where it has none. */
export const ofText = (address = ""): string => (address.includes(":") ? subscriberOf(address) : address)

/** How many of the eight segments of an address of IPv6 are the subscriber's. */
const SUBSCRIBER_SEGMENTS = 4

/** `2001:db8:1:2::/64` of `2001:db8:1:2:3:4:5:6`, and `192.0.2.1` of `::ffff:192.0.2.1`. */
const subscriberOf = (text: string) => {
  const found = NetAddress.ipFromString(text.replace(/%.*$/, ""))
  if (Result.isFailure(found)) return text
  const address = NetAddress.toCanonical(found.success)
  if (NetAddress.isIpv4Address(address)) return NetAddress.formatIp(address)
  const segments = NetAddress.ipv6ToSegments(address).slice(0, SUBSCRIBER_SEGMENTS)
  return `${segments.map((segment) => segment.toString(16)).join(":")}::/64`
}

/** Who asks over the connection that a call of RPC came over. */
export class Peer extends Context.Reference<string>("effex/server/middleware/ClientAddress/Peer", {
  defaultValue: () => ""
}) {}

/** Takes the word of `TRUSTED_PROXIES` for who asks. */
export const layerForwarded = Layer.unwrap(
  Effect.map(Settings, ({ trustedProxies }) =>
    trustedProxies.length === 0
      ? Layer.empty
      : HttpRouter.middleware(HttpMiddleware.xForwardedHeaders({ trustedProxies }), { global: true })
  )
)

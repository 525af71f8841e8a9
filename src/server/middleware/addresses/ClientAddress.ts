import { Context, Effect, Layer, Option, Result } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerRequest } from "effect/http"
import { NetAddress } from "effect/net"
import { Settings } from "../../../config/Settings.ts"
import * as ForwardedAddress from "./ForwardedAddress.ts"

/**
 * Rate-limit identity of a client without an API key: its IPv4 address, or its IPv6 /64 prefix, since one subscriber owns a
 * whole /64. Behind `TRUSTED_PROXIES`, the forwarded address.
 */
export const of = ({ remoteAddress }: HttpServerRequest.HttpServerRequest): string =>
  fromText(Option.getOrUndefined(remoteAddress))

/** Returns the identity for the remote address of a connection, such as `192.0.2.1`; empty if it is unknown. */
export const fromText = (address = ""): string => (address.includes(":") ? ipv6Identity(address) : address)

/** Number of 16-bit segments in a /64 prefix. */
const PREFIX_SEGMENTS = 4

/** Returns `2001:db8:1:2::/64` for `2001:db8:1:2:3:4:5:6`, and `192.0.2.1` for `::ffff:192.0.2.1`. */
const ipv6Identity = (text: string) => {
  const parsed = NetAddress.ipFromString(text.replace(/%.*$/, ""))
  if (Result.isFailure(parsed)) return text
  const address = NetAddress.toCanonical(parsed.success)
  if (NetAddress.isIpv4Address(address)) return NetAddress.formatIp(address)
  const segments = NetAddress.ipv6ToSegments(address).slice(0, PREFIX_SEGMENTS)
  return `${segments.map((segment) => segment.toString(16)).join(":")}::/64`
}

/** Client address of the connection that an RPC call arrived on. */
export class RpcClientAddress extends Context.Reference<string>(
  "effex/server/middleware/addresses/ClientAddress/RpcClientAddress",
  { defaultValue: () => "" }
) {}

/**
 * Takes the remote address from `X-Forwarded-For` if the connection comes from one of `TRUSTED_PROXIES`. Reports headers
 * that it cannot read.
 */
export const layerTrustedProxies = Layer.unwrap(
  Effect.map(Settings, ({ trustedProxies }) => {
    if (trustedProxies.length === 0) return Layer.empty
    const resolve = ForwardedAddress.makeResolver(trustedProxies)
    const report = ForwardedAddress.makeReporter()
    const applyForwarded = HttpMiddleware.xForwardedHeaders({ trustedProxies })
    return HttpRouter.middleware(
      (app) => {
        const forwardedApp = applyForwarded(app)
        return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, peerAddress }) => {
          const forwardedFor = headers["x-forwarded-for"]
          const peer = Option.getOrUndefined(peerAddress)
          const isReadable =
            forwardedFor === undefined || peer === undefined || resolve(peer, forwardedFor) !== undefined
          return isReadable ? forwardedApp : Effect.andThen(report(forwardedFor), forwardedApp)
        })
      },
      { global: true }
    )
  })
)

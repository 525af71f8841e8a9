import { Clock, Context, Effect, Layer, Option, Result, Schedule } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { RateLimits } from "../../access/RateLimits.ts"
import { Settings } from "../../config/Settings.ts"
import { RateLimitExceeded } from "../../domain/access/RateLimit.ts"
import * as HttpMetrics from "../../platform/metrics/HttpMetrics.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as HttpInternals from "./HttpInternals.ts"
import { NodeServer } from "./NodeServer.ts"

/** Limits of connections. Tests lower them. */
export class ConnectionBounds extends Context.Reference<{
  /** Connections of all addresses, each of about 10 KB, within the usual limit of open files. */
  readonly maxConnections: number
  /** Connections of one address in addition to `STREAMS_PER_ADDRESS`. */
  readonly maxRequestConnections: number
  /** Time without progress after which a client with unsent bytes is disconnected. */
  readonly stallMillis: number
  /** Unsent bytes of one address: ten times the largest page without compression. */
  readonly maxUnsentBytesPerAddress: number
  /** Unsent bytes of all connections. */
  readonly maxUnsentBytes: number
}>("effex/server/node/ConnectionLimits/ConnectionBounds", {
  defaultValue: () => ({
    maxConnections: 20_000,
    maxRequestConnections: 1000,
    stallMillis: 15_000,
    maxUnsentBytesPerAddress: 32 * 1024 * 1024,
    maxUnsentBytes: 128 * 1024 * 1024
  })
}) {}

/**
 * Disconnects clients that do not read their responses, and those that open too many connections, leave too many bytes
 * unread or send too many requests that Node rejects itself. Addresses of `TRUSTED_PROXIES` have no limits of their own,
 * because they carry the connections of many clients.
 */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { server } = yield* NodeServer
    const { streamsPerAddress, trustedProxies } = yield* Settings
    const { consumeSync } = yield* RateLimits
    const bounds = yield* ConnectionBounds
    const clock = yield* Clock.Clock
    const context = yield* Effect.context<never>()
    const maxPerAddress = Option.match(streamsPerAddress, {
      onNone: () => Number.POSITIVE_INFINITY,
      onSome: (streams) => streams + bounds.maxRequestConnections
    })
    const socketsByAddress = new Map<string, Set<Socket>>()
    const proxySockets = new Set<Socket>()

    const disconnect = (socket: Socket, reason: HttpMetrics.DisconnectReason) => {
      socket.destroy()
      HttpMetrics.disconnects.of({ reason }).updateUnsafe(1, context)
    }

    /** Disconnects the clients with the most unsent bytes until the others are within a limit. */
    const shed = (sockets: ReadonlyArray<Socket>, maxBytes: number) => {
      let unsent = sockets.reduce((sum, { writableLength }) => sum + writableLength, 0)
      if (unsent <= maxBytes) return
      for (const socket of sockets.toSorted((a, b) => b.writableLength - a.writableLength)) {
        if (unsent <= maxBytes) return
        unsent -= socket.writableLength
        disconnect(socket, "unsent")
      }
    }

    const isTrustedProxy = (address = "") => {
      const parsed = NetAddress.ipFromString(address)
      return (
        Result.isSuccess(parsed) &&
        trustedProxies.some((network) => IpNetwork.contains(network, NetAddress.toCanonical(parsed.success)))
      )
    }

    const onConnection = (socket: Socket) => {
      const isProxy = isTrustedProxy(socket.remoteAddress)
      const address = ClientAddress.fromText(socket.remoteAddress)
      const sockets = isProxy ? proxySockets : (socketsByAddress.get(address) ?? new Set())
      if (!isProxy) {
        if (sockets.size >= maxPerAddress) return disconnect(socket, "address")
        socketsByAddress.set(address, sockets)
      }
      sockets.add(socket)
      socket.once("close", () => {
        sockets.delete(socket)
        if (!isProxy && sockets.size === 0) socketsByAddress.delete(address)
      })
    }

    /** Node calls this when a connection was silent for `server.timeout`, and closes nothing itself. */
    const onTimeout = (socket: Socket & HttpInternals.HttpSocket) => {
      if (socket.writableLength > 0) disconnect(socket, "stalled")
      // A response that is still computed, or a silent stream, keeps its connection.
      else if (HttpInternals.responseInFlight(socket) === undefined) socket.destroy()
    }

    /** Counts a request that never reaches the router. Beyond the limit, the connection is closed without a response. */
    const countRejected = (socket: Duplex) => {
      if (!(socket instanceof Socket) || isTrustedProxy(socket.remoteAddress)) return
      const address = ClientAddress.fromText(socket.remoteAddress)
      const outcome = consumeSync("pages", address, clock.currentTimeMillisUnsafe())
      if (outcome instanceof RateLimitExceeded) socket.destroy()
    }

    server
      // Only errors of the parser: a timeout can be due to a suspended server.
      .prependListener("clientError", ({ code }: NodeJS.ErrnoException, socket) => {
        if (code?.startsWith("HPE_") === true) countRejected(socket)
      })
      .prependListener("connect", (_request, socket) => countRejected(socket))

    server.isSharedAddress = isTrustedProxy
    server.maxConnections = bounds.maxConnections
    server.timeout = bounds.stallMillis
    server
      .on("connection", onConnection)
      .on("timeout", onTimeout)
      .on("drop", () => HttpMetrics.disconnects.of({ reason: "connections" }).updateUnsafe(1, context))

    const shedUnsent = Effect.sync(() => {
      const all = unsentOf(proxySockets)
      for (const sockets of socketsByAddress.values()) {
        const unsent = unsentOf(sockets)
        shed(unsent, bounds.maxUnsentBytesPerAddress)
        all.push(...unsent)
      }
      shed(
        all.filter(({ destroyed }) => !destroyed),
        bounds.maxUnsentBytes
      )
    })
    yield* Effect.forkScoped(Effect.repeat(shedUnsent, Schedule.spaced("1 second")))
  })
)

const unsentOf = (sockets: ReadonlySet<Socket>) =>
  Array.from(sockets).filter(({ writableLength }) => writableLength > 0)

import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import { Deferred, Effect, Fiber, Layer, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type { CurrentUser } from "../../api/access/CurrentUser.ts"
import { InvalidRequest, type Problem, Unauthorized } from "../../api/Problem.ts"
import * as EventPosition from "../../domain/wallets/EventPosition.ts"
import { UserEvents } from "../../wallets/events/UserEvents.ts"
import { Wallets } from "../../wallets/Wallets.ts"
import { Drain } from "../Drain.ts"
import { AccessControl } from "../middleware/access/AccessControl.ts"
import * as ClientAddress from "../middleware/addresses/ClientAddress.ts"
import * as HttpAccessControl from "../middleware/access/HttpAccessControl.ts"
import * as RequestCosts from "../http/RequestCosts.ts"
import * as Problems from "../middleware/Problems.ts"
import { ACCESS_ENDED, StreamAccess } from "../middleware/access/StreamAccess.ts"
import * as ConnectionUpgrades from "../node/ConnectionUpgrades.ts"
import * as Routes from "../Routes.ts"
import * as BackPressure from "./BackPressure.ts"
import * as Heartbeat from "./Heartbeat.ts"
import { type StreamConnection, StreamConnections, StreamTimeouts } from "./StreamConnections.ts"
import * as UserEventEncoding from "./UserEventEncoding.ts"
import { closeOnDefect, GOING_AWAY, SESSION_ENDED, type WebSocket } from "./WebSocket.ts"
import * as WebSocketEndpoint from "./WebSocketEndpoint.ts"
import * as WebSocketMessageQueue from "./WebSocketMessageQueue.ts"
import * as WebSocketMessages from "./WebSocketMessages.ts"

const schemas = {
  authenticate: Schema.Struct({ type: Schema.Literal("authenticate"), token: Schema.String }),
  ping: Schema.Struct({ type: Schema.Literal("ping") })
}
const decode = WebSocketMessages.decoderOf<(typeof schemas)[keyof typeof schemas]["Type"]>(schemas)

/** An authorized user. */
interface UserAccess {
  readonly user: CurrentUser["Service"]
  /** Waits until the user may no longer read the events. */
  readonly awaitEnd: Effect.Effect<void>
}

/** State of one client. */
interface UserClient {
  readonly webSocket: WebSocket
  readonly connection: StreamConnection
  /** Rate-limit identity of the client before it is authenticated. */
  readonly address: string
  readonly since: EventPosition.EventPosition | undefined
  readonly access: Deferred.Deferred<UserAccess>
}

/** WebSocket endpoint for the events of a user: `/ws/accounts/events/`. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const access = yield* AccessControl
    const connections = yield* StreamConnections
    const drain = yield* Drain
    const router = yield* HttpRouter.HttpRouter
    const streamAccess = yield* StreamAccess
    const toMessage = yield* UserEventEncoding.make
    const timeouts = yield* StreamTimeouts
    const userEvents = yield* UserEvents
    const wallets = yield* Wallets
    const makeQueue = yield* WebSocketMessageQueue.make
    const scope = yield* Effect.scope
    const fork = Effect.runForkWith(yield* Effect.context<never>())

    /** Sends the events of the user, as fast as the client reads them. */
    const deliver = Effect.fnUntraced(function* (
      { connection: { socket }, since, webSocket }: UserClient,
      { sessionId, userId }: CurrentUser["Service"]
    ) {
      const write = (frame: Buffer) => {
        if (webSocket.readyState === webSocket.OPEN) socket.write(frame)
      }
      const wallet = yield* wallets.ofUser(userId).pipe(Effect.catchTags(Problems.storeErrors))
      const reader = yield* userEvents.subscribe({ wallet, includesSecurity: sessionId !== undefined, since })
      const sendHeartbeat = Effect.sync(() => {
        if (!socket.writableNeedDrain) write(Heartbeat.toWebSocketFrame(userEvents.contact()))
      })
      yield* sendHeartbeat.pipe(Effect.delay(Heartbeat.HEARTBEAT_INTERVAL), Effect.forever, Effect.forkScoped)
      const sendNext = Effect.map(reader.take, (events) =>
        write(Buffer.concat(events.map((event) => UserEventEncoding.toWebSocketFrame(toMessage(event)))))
      )
      return yield* Effect.forever(Effect.andThen(sendNext, BackPressure.awaitDrain(socket)))
    }, Effect.scoped)

    /** Serves a client until its connection closes. */
    const serve = (client: UserClient) => {
      const { webSocket } = client
      const delivery = Deferred.await(client.access).pipe(
        Effect.timeoutOrElse({
          duration: timeouts.authentication,
          orElse: () => Effect.fail(NOT_AUTHENTICATED)
        }),
        Effect.flatMap(({ awaitEnd, user }) =>
          Effect.raceFirst(deliver(client, user), Effect.andThen(awaitEnd, Effect.fail(ACCESS_ENDED)))
        ),
        Effect.catch((problem: Problem) => Effect.sync(() => WebSocketMessages.reject(webSocket, problem)))
      )
      const end = Effect.andThen(
        drain.awaitEndOfStreams,
        Effect.sync(() => webSocket.close(...GOING_AWAY))
      )
      return closeOnDefect(webSocket)(Effect.raceFirst(delivery, end))
    }

    const authenticate = Effect.fnUntraced(function* (client: UserClient, token: string) {
      if (yield* Deferred.isDone(client.access)) return yield* ALREADY_AUTHENTICATED
      const credentials = {
        authorization: `Bearer ${token}`,
        address: client.address,
        cost: RequestCosts.ofMessage("WatchWallet"),
        reportRateLimit: () => undefined
      }
      const user = yield* access
        .authorizeUser("reads", credentials, undefined)
        .pipe(Effect.mapError(({ problem }) => problem))
      if (user.sessionId !== undefined) connections.endWithSession(client.connection, user.sessionId)
      const awaitEnd = streamAccess.awaitEnd(user, credentials.authorization)
      yield* Deferred.succeed(client.access, { user, awaitEnd })
    })

    const reply = Effect.fnUntraced(
      function* (client: UserClient, text: WebSocketMessageQueue.Message) {
        const message = yield* Effect.tapError(decode(text), () => access.consumeMessage(client.address))
        // Pings are not counted.
        if (message.type === "ping") return `{"type":"pong"}`
        const outcome = yield* Effect.result(authenticate(client, message.token))
        if (Result.isFailure(outcome)) WebSocketMessages.reject(client.webSocket, outcome.failure)
        return undefined
      },
      (replied, { webSocket }) =>
        Effect.catch(replied, (problem) =>
          Effect.succeed(WebSocketMessages.encodeProblem(webSocket, problem))
        )
    )

    const open = Effect.fnUntraced(function* (
      webSocket: WebSocket,
      user: CurrentUser["Service"] | undefined
    ) {
      const request = yield* HttpServerRequest.HttpServerRequest
      const since = yield* WebSocketEndpoint.sinceOf(EventPosition)
      const connection = yield* connections.register(request, "websocket")
      connection.end = () => webSocket.close(...SESSION_ENDED)
      const authorized = Deferred.makeUnsafe<UserAccess>()
      if (user !== undefined) {
        const { authorization } = NodeHttpServerRequest.toIncomingMessage(request).headers
        const awaitEnd = streamAccess.awaitEnd(user, authorization)
        yield* Deferred.succeed(authorized, { user, awaitEnd })
      }
      const client = {
        webSocket,
        connection,
        address: ClientAddress.of(request),
        since,
        access: authorized
      }
      const queue = makeQueue(webSocket, connection.socket, (message) => reply(client, message))
      const serving = Fiber.runIn(fork(serve(client)), scope)
      webSocket.attach({
        onMessage: queue.offer,
        onClose: () => {
          queue.close()
          serving.interruptUnsafe()
          connections.release(connection)
        }
      })
    })

    const endpoint = (user: CurrentUser["Service"] | undefined) =>
      WebSocketEndpoint.accept(connections, (webSocket) => open(webSocket, user))
    const authorized = HttpAccessControl.authorizeUserConnection(access)(endpoint)
    yield* router.add("GET", Routes.paths.userEventsSocket, ConnectionUpgrades.requireWebSocket(authorized))
  })
)

const NOT_AUTHENTICATED = new Unauthorized({
  detail:
    'No access token was sent in time; send {"type":"authenticate","token":"ey…"} first, or the token in the Authorization header'
})
const ALREADY_AUTHENTICATED = new InvalidRequest({
  detail: "The connection is authenticated; open another one for another user"
})

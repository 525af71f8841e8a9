import { EffexError } from "../EffexError.ts"
import * as Json from "../Json.ts"
import { addressOf, type ServerAccess } from "../Requests.ts"
import type { Connect } from "./StreamConnection.ts"
import { errorOf } from "./StreamMessages.ts"

const PING_INTERVAL_MILLIS = 10_000
/** Longer than two pings and their responses. */
const MAX_SILENCE_MILLIS = 25_000

/**
 * Receives a stream over a WebSocket. Sends no API key, because a page cannot set headers on a WebSocket; rates need none.
 */
export const make =
  ({ url }: ServerAccess): Connect =>
  ({ pairs, position }, { onContact, onMessage, onOpen }, signal) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(addressOf(url.replace(/^http/, "ws"), "/ws/rates/", { since: position }))
      const listeners = new AbortController()
      const until = { signal: listeners.signal }
      const send = (message: object) => socket.send(JSON.stringify(message))
      let contact = performance.now()
      let isAnswered = false

      // A dead peer does not answer the closing handshake, so this does not wait for the event `close`.
      const end = (error?: EffexError) => {
        clearInterval(timer)
        listeners.abort()
        socket.close()
        if (error === undefined) resolve()
        else reject(error)
      }
      // A connection attempt counts as silence too.
      const timer = setInterval(() => {
        if (performance.now() - contact > MAX_SILENCE_MILLIS) end(unreachable(url))
        else if (socket.readyState === WebSocket.OPEN) send({ type: "ping" })
      }, PING_INTERVAL_MILLIS)

      const onText = ({ data }: MessageEvent) => {
        contact = performance.now()
        if (isAnswered) onContact()
        else onOpen()
        isAnswered = true
        const json = Json.parse(String(data))
        if (!Json.isRecord(json)) return
        if (json["type"] === "error") end(errorOf(json))
        else onMessage(String(json["type"]), json)
      }
      // A proxy may accept a connection for a server that is down, so the pong or another message has to arrive first.
      const onConnected = () => {
        contact = performance.now()
        if (pairs !== undefined) send({ type: "subscribe", pairs })
        send({ type: "ping" })
      }
      socket.addEventListener("open", onConnected, until)
      socket.addEventListener("message", onText, until)
      socket.addEventListener("error", () => end(unreachable(url)), until)
      socket.addEventListener("close", () => end(), until)
      if (signal.aborted) end()
      else signal.addEventListener("abort", () => end(), until)
    })

const unreachable = (url: string) =>
  new EffexError({
    code: "unreachable",
    detail: `Could not reach ${url} with a WebSocket; check the URL and that the server is running`,
    retryable: true
  })

import { EffexError } from "../EffexError.ts"
import * as Json from "../Json.ts"
import { addressOf } from "../Requests.ts"
import type { Connect, Subscription } from "./StreamConnection.ts"
import { errorOf } from "./StreamMessages.ts"

const PING_INTERVAL_MILLIS = 10_000
/** Longer than two pings and their responses. */
const MAX_SILENCE_MILLIS = 25_000

/**
 * Receives a stream over a WebSocket. Sends no headers, because a page cannot set them on a WebSocket. `greetings` are the
 * first messages to the server, such as an access token.
 */
export const make =
  (url: string, path: string, greetings: (subscription: Subscription) => ReadonlyArray<object>): Connect =>
  (subscription, { onContact, onMessage, onOpen }, signal) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(
        addressOf(url.replace(/^http/, "ws"), path, { since: subscription.position })
      )
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
        for (const greeting of greetings(subscription)) send(greeting)
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

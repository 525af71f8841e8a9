import * as Json from "../Json.ts"
import { addressOf, randomId } from "../Requests.ts"
import { problemOf, unreachable } from "../Responses.ts"
import type { Connect } from "./StreamConnection.ts"

/** Longer than two of the server's heartbeats, which it sends every 15 seconds. */
const MAX_SILENCE_MILLIS = 40_000

/** Receives a stream as server-sent events over `fetch`, which can send an API key. `EventSource` cannot. */
export const make =
  (url: string, path: string, query: Readonly<Record<string, string | undefined>> = {}): Connect =>
  async ({ credentials, position }, { onContact, onMessage, onOpen }, signal) => {
    const requestId = randomId()
    const controller = new AbortController()
    const abort = () => controller.abort()
    signal.addEventListener("abort", abort, { once: true })
    let timer = setTimeout(abort, MAX_SILENCE_MILLIS)
    try {
      const address = addressOf(url, path, { ...query, since: position })
      const response = await fetch(address, {
        headers: { accept: "text/event-stream", "x-request-id": requestId, ...credentials.headers },
        redirect: "manual",
        cache: "no-store",
        signal: controller.signal
      })
      if (!response.ok || response.body === null) {
        throw problemOf(response, Json.parse(await response.text()), url, { requestId })
      }
      onOpen()
      const parse = parser((event, data, id) => onMessage(event, Json.parse(data), id))
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        clearTimeout(timer)
        timer = setTimeout(abort, MAX_SILENCE_MILLIS)
        onContact()
        parse(chunk.value)
      }
    } catch (error) {
      // A `TypeError` is how `fetch` reports a connection that failed or was lost.
      if (controller.signal.aborted || error instanceof TypeError)
        throw unreachable(url, error, { requestId })
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener("abort", abort)
      controller.abort()
    }
  }

/** Parses the event stream format of HTML (9.2.6). Comments are heartbeats and have no event. */
const parser = (onEvent: (event: string, data: string, id: string) => void) => {
  let buffer = ""
  let event = ""
  let id = ""
  let data: Array<string> = []
  return (chunk: string) => {
    const lines = (buffer + chunk).split(/\r\n|\n|\r(?!$)/)
    buffer = lines.pop() ?? ""
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) onEvent(event, data.join("\n"), id)
        event = ""
        data = []
      } else if (line.startsWith("event:")) event = line.slice("event:".length).trim()
      else if (line.startsWith("id:")) id = line.slice("id:".length).trim()
      else if (line.startsWith("data:")) data.push(line.slice("data:".length).replace(/^ /, ""))
    }
  }
}

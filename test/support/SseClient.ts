import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { parseJsonObject } from "./TestServer.ts"
import * as Waiters from "./Waiters.ts"

/** A server-sent event, with its data parsed as JSON. */
export interface TestEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

/** Opens a stream of events until the scope closes. */
export const open = Effect.fnUntraced(function* (
  url: string,
  headers: Readonly<Record<string, string>> = {}
) {
  const { body, response } = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const response = await fetch(url, { headers })
      return { response, body: response.body?.getReader() ?? assert.fail("no body") }
    }),
    ({ body }) => Effect.promise(() => body.cancel())
  )
  let text = ""
  let hasEnded = false
  const waiters = Waiters.make()
  const decoder = new TextDecoder()
  const read = async () => {
    for (;;) {
      const { done, value } = await body.read()
      if (done) break
      text += decoder.decode(value, { stream: true })
      waiters.notify()
    }
  }
  const end = () => {
    hasEnded = true
    waiters.notify()
  }
  read().then(end, end)
  const takeBlock = () => {
    const end = text.indexOf("\n\n")
    if (end === -1) return undefined
    const block = text.slice(0, end)
    text = text.slice(end + 2)
    return block
  }
  /** Takes the next block: the lines up to an empty line. */
  const block = waiters.until("block", takeBlock)
  const next = Effect.map(block, (found): TestEvent => {
    const fields = new Map(
      found.split("\n").map((line) => {
        const colon = line.indexOf(": ")
        return [line.slice(0, colon), line.slice(colon + 2)] as const
      })
    )
    return {
      id: fields.get("id"),
      event: fields.get("event"),
      data: parseJsonObject(fields.get("data") ?? "")
    }
  })
  return {
    response,
    block,
    next,
    /** Returns the received text that was not taken. */
    untaken: () => text,
    ended: waiters.until("end", () => hasEnded || undefined),
    close: Effect.promise(() => body.cancel())
  }
})

import { jsonOf, type RawResponse } from "../RawResponse.ts"
import type { RenderedRequest } from "./RequestDraft.ts"

/** Number of resources; the one that was seen first is dropped first. */
const MAX_RESOURCES = 2_000

/** The latest representation of a resource. */
interface Representation {
  readonly etag: string | undefined
  readonly body: unknown
}

/** Latest representations of resources by path, for conditional requests, and for changes of what was read. */
export interface Resources {
  readonly observe: (sent: Pick<RenderedRequest, "method" | "target">, response: RawResponse) => void
  readonly at: (path: string) => Representation | undefined
}

export const make = (): Resources => {
  const representations = new Map<string, Representation>()
  return {
    observe: ({ method, target }, response) => {
      const body = jsonOf(response)
      if ((method !== "GET" && method !== "PUT") || body === undefined) return
      const [path = ""] = target.split("?")
      representations.set(path, { etag: response.headers.get("etag"), body })
      const [first] = representations.keys()
      if (representations.size > MAX_RESOURCES && first !== undefined) representations.delete(first)
    },
    at: (path) => representations.get(path)
  }
}

import * as Json from "./Json.ts"
import { type CallOptions, type RequestInput, send, type ServerAccess } from "./Requests.ts"

/** One page of a list. */
export interface Page<A> {
  readonly data: ReadonlyArray<A>
  /** Cursor of the next page. Undefined on the last page. */
  readonly next: string | undefined
}

/** A list on the server. Iterating over it reads all pages. */
export interface PagedList<A> extends AsyncIterable<A> {
  /** Returns one page: the first, or the one of a cursor. */
  page(cursor?: string): Promise<Page<A>>
}

/** Makes a list of an endpoint. Each page is one call. */
export const read = <A>(
  access: ServerAccess,
  request: RequestInput,
  { signal, timeout }: CallOptions
): PagedList<A> => {
  const page = async (cursor?: string): Promise<Page<A>> => {
    const query = { ...request.query, cursor }
    const { data, next } = await send(access, { ...request, query }, "data", { signal, timeout })
    return {
      data: Json.decode<ReadonlyArray<A>>(data),
      next: typeof next === "string" ? next : undefined
    }
  }
  return {
    page,
    [Symbol.asyncIterator]: () => iterate(page)
  }
}

async function* iterate<A>(page: (cursor?: string) => Promise<Page<A>>) {
  let cursor: string | undefined
  do {
    const { data, next } = await page(cursor)
    yield* data
    cursor = next
  } while (cursor !== undefined)
}

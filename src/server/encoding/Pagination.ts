import { Effect } from "effect"
import * as Problems from "../middleware/Problems.ts"

export const DEFAULT_PAGE_SIZE = 50
const MAX_CURSOR_LENGTH = 200

/** Returns the requested page size, or the default. */
export const sizeOf = ({ page_size: size = DEFAULT_PAGE_SIZE }: { readonly page_size?: number }) => size

/** Creates a page from up to `size + 1` items: the extra item means that there is a next page. */
export const pageOf = <A, Row>(
  items: ReadonlyArray<A>,
  size: number,
  toRow: (item: A) => Row,
  positionOf: (item: A) => string
) => {
  const data = items.slice(0, size)
  const last = data.at(-1)
  const next = items.length > size && last !== undefined ? encodeCursor(positionOf(last)) : null
  return { data: data.map(toRow), has_more: next !== null, next }
}

/** Encodes the position of the last item of a page. Cursors are opaque to clients. */
export const encodeCursor = (position: string) => Buffer.from(position, "utf8").toString("base64url")

/** Decodes the position before the requested page. Returns undefined without a cursor. */
export const decodeCursor = <A, E>(
  cursor: string | undefined,
  decodePosition: (position: string) => Effect.Effect<A, E>
) => {
  if (cursor === undefined) return Effect.undefined
  return decodePosition(Buffer.from(cursor.slice(0, MAX_CURSOR_LENGTH), "base64url").toString("utf8")).pipe(
    Effect.mapError(() => Problems.invalid("/query/cursor", "must be the `next` of a previous page"))
  )
}

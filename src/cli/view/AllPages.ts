import { Effect } from "effect"

const PAGE_SIZE = 1000

/** Reads all pages of a list. `read` returns at most `limit` items after the one with a key, and without one the first. */
export const readAll = Effect.fnUntraced(function* <A, Key, E, R>(
  read: (after: Key | undefined, limit: number) => Effect.Effect<ReadonlyArray<A>, E, R>,
  keyOf: (item: A) => Key
) {
  const found: Array<A> = []
  for (let after: Key | undefined; ;) {
    const page = yield* read(after, PAGE_SIZE)
    found.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE_SIZE) return found
    after = keyOf(last)
  }
})

import { Effect } from "effect"
import { Database } from "../platform/postgres/Database.ts"

/**
 * Creates the function that returns whether two principals have one owner: they are the same, or API keys with one name. A
 * decision that needs a second administrator needs a second owner.
 */
export const make = Effect.map(Database, ({ sql }) =>
  Effect.fnUntraced(function* (principal: string, other: string) {
    if (principal === other) return true
    const rows = yield* sql`
      SELECT 1 FROM api_key AS one JOIN api_key AS other USING (name, mode) WHERE one.id = ${principal} AND other.id = ${other}`
    return rows.length > 0
  })
)

/** Kind of requests that the load sends. */
export type RequestKind =
  | "lookups"
  | "routed lookups"
  | "conversions"
  | "keyed conversions"
  | "as-of"
  | "wallet"

/** One request of the load. */
export interface LoadRequest {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly body?: string
  /** Sends a new `Idempotency-Key` each time. */
  readonly isKeyed?: boolean
}

const AMOUNTS_PER_PAIR = 8
const TIMES_PER_PAIR = 8
const DAY_MILLIS = 86_400_000

/** Returns the distinct requests of a kind. The load repeats them in random order. */
export const ofKind = (kind: RequestKind, pairs: ReadonlyArray<string>): ReadonlyArray<LoadRequest> =>
  pairs.flatMap((pair, n) => {
    const [from = "", to = ""] = pair.split(":")
    switch (kind) {
      case "lookups":
        return [{ method: "GET", path: `/api/v1/rates?from=${from}&to=${to}` }]
      case "routed lookups":
        // The fast path answers only the form above.
        return [{ method: "GET", path: `/api/v1/rates?to=${to}&from=${from}` }]
      case "wallet":
        return n === 0 ? [{ method: "GET", path: "/api/v1/accounts/wallet" }] : []
      case "as-of":
        return Array.from({ length: TIMES_PER_PAIR }, (_, m): LoadRequest => {
          const at = new Date(Date.now() - ((n * TIMES_PER_PAIR + m) % 25) * DAY_MILLIS).toISOString()
          return { method: "GET", path: `/api/v1/rates/as-of?from=${from}&to=${to}&at=${at}` }
        })
      case "conversions":
      case "keyed conversions":
        return Array.from({ length: AMOUNTS_PER_PAIR }, (_, m): LoadRequest => {
          const amount = `${100 + n * AMOUNTS_PER_PAIR + m}.${10 + m}`
          const body = JSON.stringify({ amount, from_currency: from, to_currency: to })
          return { method: "POST", path: "/api/v1/convert", body, isKeyed: kind === "keyed conversions" }
        })
    }
  })

/** Returns the items in random order. */
export const shuffled = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)

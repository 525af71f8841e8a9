/** What the load asks for. */
export type Kind = "lookups" | "conversions" | "keyed conversions" | "as-of"

/** One request of the load. */
export interface LoadRequest {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly body?: string
  /** It has an `Idempotency-Key`, another one each time. */
  readonly isKeyed?: boolean
}

const AMOUNTS_OF_A_PAIR = 8
const MOMENTS_OF_A_PAIR = 8
const DAY_MILLIS = 86_400_000

/** The different requests of a kind; the load sends them in random order, again and again. */
export const of = (kind: Kind, pairs: ReadonlyArray<string>): ReadonlyArray<LoadRequest> =>
  pairs.flatMap((pair, n) => {
    const [from = "", to = ""] = pair.split(":")
    switch (kind) {
      case "lookups":
        return [{ method: "GET", path: `/api/v1/rates?from=${from}&to=${to}` }]
      case "as-of":
        return Array.from({ length: MOMENTS_OF_A_PAIR }, (_, m): LoadRequest => {
          const at = new Date(Date.now() - ((n * MOMENTS_OF_A_PAIR + m) % 25) * DAY_MILLIS).toISOString()
          return { method: "GET", path: `/api/v1/rates/as-of?from=${from}&to=${to}&at=${at}` }
        })
      case "conversions":
      case "keyed conversions":
        return Array.from({ length: AMOUNTS_OF_A_PAIR }, (_, m): LoadRequest => {
          const amount = `${100 + n * AMOUNTS_OF_A_PAIR + m}.${10 + m}`
          const body = JSON.stringify({ amount, from_currency: from, to_currency: to })
          return { method: "POST", path: "/api/v1/convert", body, isKeyed: kind === "keyed conversions" }
        })
    }
  })

/** In random order. */
export const shuffled = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)

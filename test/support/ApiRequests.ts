import { Effect, Schema } from "effect"

/** What a server answered to a conversion. */
export interface Converted {
  readonly status: number
  readonly body: string
  readonly replayed: boolean
  readonly contentType: string | null
}

/** There was no whole answer, so that nobody knows what became of the request. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { cause: Schema.Defect() }) {
  override get message(): string {
    return codeOf(this.cause) || String(this.cause)
  }
}

/** A server, or several in the order in which they are tried: the next one where a connection is refused. */
export type Where = string | ReadonlyArray<string>

/** Converts dollars under a key. */
export const convert = (where: Where, key: string, amount: number) =>
  ask(where, async (url, signal): Promise<Converted> => {
    const response = await fetch(`${url}/api/v1/convert`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify({ amount: `${amount}.00`, from_currency: "USD", to_currency: "NGN" }),
      signal
    })
    return {
      status: response.status,
      body: await response.text(),
      replayed: response.headers.get("idempotency-replayed") === "true",
      contentType: response.headers.get("content-type")
    }
  })

/** Looks a rate up. */
export const lookup = (where: Where, from: string, to: string) =>
  ask(where, async (url, signal) => {
    const response = await fetch(`${url}/api/v1/rates?from=${from}&to=${to}`, { signal })
    return { status: response.status, body: await response.text() }
  })

const ask = <A>(where: Where, request: (url: string, signal: AbortSignal) => Promise<A>) => {
  const [first = "", ...rest] = typeof where === "string" ? [where] : where
  const at = (url: string) =>
    Effect.tryPromise({
      try: (signal) => request(url, signal),
      catch: (cause) => new NoAnswer({ cause })
    })
  return rest.reduce((asked, url) => Effect.catchIf(asked, isRefused, () => at(url)), at(first))
}

/** Nobody listens there: the request was not sent. */
const isRefused = ({ cause }: NoAnswer) => codeOf(cause) === "ECONNREFUSED"

/** The reason that lies deepest, by its code. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ""
  return codeOf(error.cause) || ("code" in error ? String(error.code) : "")
}

/** The record that an answer tells of. */
export const auditIdOf = ({ body }: { readonly body: string }): string => {
  const { audit_id }: { audit_id: string } = JSON.parse(body)
  return audit_id
}

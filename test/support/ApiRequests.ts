import { Effect, Schema } from "effect"

/** Response to a conversion. */
export interface ConversionResponse {
  readonly status: number
  readonly body: string
  readonly replayed: boolean
  readonly contentType: string | null
}

/** No complete response was received, so the outcome of the request is unknown. */
export class NoResponse extends Schema.TaggedError<NoResponse>()("NoResponse", { cause: Schema.Defect() }) {
  override get message(): string {
    return codeOf(this.cause) || String(this.cause)
  }
}

/** URL of one server or of several servers. The next server is tried if a connection is refused. */
export type ServerUrls = string | ReadonlyArray<string>

/** Converts US dollars to naira with an idempotency key. */
export const convert = (urls: ServerUrls, key: string, amount: number) =>
  send(urls, async (url, signal): Promise<ConversionResponse> => {
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

/** Looks up a rate. */
export const lookup = (urls: ServerUrls, from: string, to: string) =>
  send(urls, async (url, signal) => {
    const response = await fetch(`${url}/api/v1/rates?from=${from}&to=${to}`, { signal })
    return { status: response.status, body: await response.text() }
  })

const send = <A>(urls: ServerUrls, request: (url: string, signal: AbortSignal) => Promise<A>) => {
  const [first = "", ...others] = typeof urls === "string" ? [urls] : urls
  const sendTo = (url: string) =>
    Effect.tryPromise({
      try: (signal) => request(url, signal),
      catch: (cause) => new NoResponse({ cause })
    })
  return others.reduce((sent, url) => Effect.catchIf(sent, isRefused, () => sendTo(url)), sendTo(first))
}

/** True if nothing listens on the port, so that the request was not sent. */
const isRefused = ({ cause }: NoResponse) => codeOf(cause) === "ECONNREFUSED"

/** Code of the innermost cause. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ""
  return codeOf(error.cause) || ("code" in error ? String(error.code) : "")
}

/** Audit id in a response. */
export const auditIdOf = ({ body }: { readonly body: string }): string => {
  const { audit_id }: { audit_id: string } = JSON.parse(body)
  return audit_id
}

import { Effect, Option } from "effect"

/** What a server answered to a conversion. */
export interface Converted {
  readonly status: number
  readonly body: string
  readonly replayed: boolean
  readonly contentType: string | null
}

/** Converts dollars under a key; none where there was no whole answer, so that nobody knows what became of it. */
export const convert = (url: string, key: string, amount: number) =>
  wholeAnswer(async (signal): Promise<Converted> => {
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

/** Looks a rate up; none where there was no whole answer. */
export const lookup = (url: string, from: string, to: string) =>
  wholeAnswer(async (signal) => {
    const response = await fetch(`${url}/api/v1/rates?from=${from}&to=${to}`, { signal })
    return { status: response.status, body: await response.text() }
  })

const wholeAnswer = <A>(ask: (signal: AbortSignal) => Promise<A>) =>
  Effect.promise((signal) => ask(signal).then(Option.some<A>, () => Option.none<A>()))

/** The record that an answer tells of. */
export const auditIdOf = ({ body }: { readonly body: string }): string => {
  const { audit_id }: { audit_id: string } = JSON.parse(body)
  return audit_id
}

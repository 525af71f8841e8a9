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
  Effect.promise(async (): Promise<Option.Option<Converted>> => {
    try {
      const response = await fetch(`${url}/api/v1/convert`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ amount: `${amount}.00`, from_currency: "USD", to_currency: "NGN" })
      })
      return Option.some({
        status: response.status,
        body: await response.text(),
        replayed: response.headers.get("idempotency-replayed") === "true",
        contentType: response.headers.get("content-type")
      })
    } catch {
      return Option.none()
    }
  })

/** The record that an answer tells of. */
export const auditIdOf = ({ body }: Converted): string => {
  const { audit_id }: { audit_id: string } = JSON.parse(body)
  return audit_id
}

import { Effect, Schema } from "effect"

type Body = Readonly<Record<string, unknown>>

/** Returns the rows that a command printed with `--json`. */
export const decodeRows = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Array(Schema.Record(Schema.String, Schema.Unknown)))
)

/** Sends a request to the API of a running server with an access token. Returns the body of the response. */
export const send = (url: string, method: string, path: string, access: unknown, body?: Body) =>
  Effect.promise(async (): Promise<Body> => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", authorization: `Bearer ${String(access)}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return JSON.parse(await response.text())
  })

import { HttpServerResponse } from "effect/http"

/** Responds with JSON to a request that may have an idempotency key. `replayed`: the key was used before. */
export const respond = (status: 200 | 201 | 202, json: string, replayed: boolean) =>
  HttpServerResponse.text(json, {
    status,
    contentType: "application/json",
    headers: {
      "cache-control": "no-store",
      ...(replayed ? { "idempotency-replayed": "true" } : {})
    }
  })

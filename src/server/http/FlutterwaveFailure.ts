import { HttpServerResponse } from "effect/http"

/** A failure as Flutterwave answers it. */
export const respond = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

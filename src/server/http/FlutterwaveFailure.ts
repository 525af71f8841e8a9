import { HttpServerResponse } from "effect/http"

/** Creates an error response in Flutterwave's format. */
export const respond = (status: number, message: string) =>
  HttpServerResponse.jsonUnsafe({ status: "error", message, data: null }, { status })

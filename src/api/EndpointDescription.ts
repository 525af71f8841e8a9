import { OpenApi } from "effect/http-api"

/** Annotates an endpoint with its summary and description in the OpenAPI document. */
export const describe = (summary: string, description: string) =>
  OpenApi.annotations({ summary, description })

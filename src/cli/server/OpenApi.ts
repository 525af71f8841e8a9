import { Console } from "effect"
import { Command } from "effect/cli"
import { OpenApi } from "effect/http-api"
import { Api } from "../../api/Api.ts"

/** `effex openapi`: prints the OpenAPI document, as `/openapi.json` serves it. */
export const command = Command.make("openapi", {}, () =>
  Console.log(JSON.stringify(OpenApi.fromApi(Api), null, 2))
).pipe(Command.withDescription("Print the OpenAPI 3.1 document of the HTTP API, to generate clients from"))

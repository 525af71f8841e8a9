import { Config, Effect, Redacted } from "effect"
import * as OpenTelemetry from "./OpenTelemetrySettings.ts"
import * as Definitions from "./SettingDefinitions.ts"

/**
 * Everything secret that is set, and the secret parts of it: what nobody may be shown. It is read as it stands, whether
 * it can be used or not.
 */
export const read: Effect.Effect<ReadonlyArray<Redacted.Redacted>> = Effect.gen(function* () {
  const found: Array<string> = []
  const secret = Definitions.all.filter(({ secret }) => secret).map(({ name }) => name)
  for (const name of [...secret, ...OpenTelemetry.HEADERS, ...OpenTelemetry.ENDPOINTS]) {
    const text = yield* Effect.orElseSucceed(Config.String(name), () => "")
    if (OpenTelemetry.HEADERS.includes(name)) found.push(...valuesOf(text))
    else if (URL.canParse(text)) found.push(...passwordOf(text))
    else if (!OpenTelemetry.ENDPOINTS.includes(name)) found.push(text)
  }
  return found.filter((text) => text !== "").map((text) => Redacted.make(text))
})

/** The values of `name=value,…`, as they are written and as they are meant, with their scheme and without. */
const valuesOf = (headers: string) =>
  headers
    .split(",")
    .map((header) => header.slice(header.indexOf("=") + 1).trim())
    .flatMap((value) => [value, decoded(value)])
    .flatMap((value) => [value, value.replace(/^\w+ +/, "")])

/** The password in a URL, as it is written and as it is meant; `user:password` where a header carries both. */
const passwordOf = (text: string) => {
  const { password, searchParams } = new URL(text)
  return [password, decoded(password), searchParams.get("password") ?? ""]
}

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

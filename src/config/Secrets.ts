import { Config, Effect, Option, Redacted } from "effect"
import * as OpenTelemetry from "./settings/OpenTelemetrySettings.ts"
import * as SentryDsn from "./SentryDsn.ts"
import * as Definitions from "./SettingDefinitions.ts"

/**
 * Reads every secret value in the configuration, and the secret parts of URLs and headers, for redaction. Includes
 * values that are invalid as settings.
 */
export const read: Effect.Effect<ReadonlyArray<Redacted.Redacted>> = Effect.gen(function* () {
  const found: Array<string> = []
  const secretNames = Definitions.all.filter(({ isSecret }) => isSecret).map(({ name }) => name)
  for (const name of [...secretNames, ...OpenTelemetry.HEADERS, ...OpenTelemetry.ENDPOINTS]) {
    const text = yield* Effect.orElseSucceed(Config.String(name), () => "")
    if (OpenTelemetry.HEADERS.includes(name)) found.push(...headerSecrets(text))
    else if (name === Definitions.SENTRY_DSN.name) found.push(text, ...sentryKey(text))
    else if (URL.canParse(text)) found.push(...urlSecrets(text))
    // Keys can be lists of two during a rotation.
    else if (!OpenTelemetry.ENDPOINTS.includes(name)) found.push(text, ...text.split(/ *, */))
  }
  return found.filter((text) => text !== "").map((text) => Redacted.make(text))
})

/** Returns the values of `name=value,…`, encoded and decoded, with and without their scheme (`Bearer `). */
const headerSecrets = (headers: string) =>
  headers
    .split(",")
    .map((header) => header.slice(header.indexOf("=") + 1).trim())
    .flatMap((value) => [value, decoded(value)])
    .flatMap((value) => [value, value.replace(/^\w+ +/, "")])

/** Returns the password of a URL, encoded and decoded, and its `password` query parameter. */
const urlSecrets = (text: string) => {
  const { password, searchParams } = new URL(text)
  return [password, decoded(password), searchParams.get("password") ?? ""]
}

const sentryKey = (text: string) =>
  Option.toArray(Option.map(SentryDsn.parse(text), ({ publicKey }) => publicKey))

const decoded = (text: string) => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

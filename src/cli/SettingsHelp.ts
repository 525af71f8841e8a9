import * as SettingDefinitions from "../config/SettingDefinitions.ts"

/** All settings, for `effex --help`. */
export const text = [
  "Settings are environment variables. They can also be set in a file named .env:",
  "",
  ...SettingDefinitions.all.flatMap(({ defaultText, description, name }) => [
    `  ${name}`,
    `      ${description} (default: ${defaultText})`
  ]),
  "  OTEL_EXPORTER_OTLP_ENDPOINT",
  "      Destination of traces, metrics and logs; the other OTEL_* variables apply as well (default: none)"
].join("\n")

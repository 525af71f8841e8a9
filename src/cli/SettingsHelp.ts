import * as SettingDefinitions from "../config/SettingDefinitions.ts"

/** The settings, for `effex --help`. */
export const text = [
  "Settings are environment variables, and may stand in a file named .env:",
  "",
  ...SettingDefinitions.all.flatMap(({ defaultText, description, name }) => [
    `  ${name}`,
    `      ${description} (default: ${defaultText})`
  ]),
  "  OTEL_EXPORTER_OTLP_ENDPOINT",
  "      where traces, metrics and logs go; the other OTEL_* variables hold as well (default: none)"
].join("\n")

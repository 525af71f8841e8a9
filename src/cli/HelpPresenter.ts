import { Console } from "effect"
import { type CliError, CliOutput, type HelpDoc } from "effect/cli"

/**
 * Presents help and errors of the command line. `--help` prints everything. A command without its subcommand prints its
 * usage and subcommands; a wrong invocation prints what was wrong, the usage and an example, to standard error.
 */
export const layer = CliOutput.layerPresenter({
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return event.reason === "Requested"
          ? CliOutput.defaultPresenter.present(event)
          : Console.log(shortHelp(event.commandPath, event.helpDoc))
      case "InvalidInvocation":
        return Console.error(
          [...event.errors.map(describe), "", shortHelp(event.commandPath, event.helpDoc)].join("\n")
        )
      case "Version":
        return CliOutput.defaultPresenter.present(event)
    }
  }
})

/** Returns the usage, the subcommands or an example, and how to get more help. At most 25 lines. */
const shortHelp = (path: ReadonlyArray<string>, doc: HelpDoc.HelpDoc): string => {
  const command = path.join(" ")
  const subcommands = (doc.subcommands ?? []).flatMap(({ commands }) => commands)
  const width = Math.max(0, ...subcommands.map(({ name }) => name.length))
  const example = doc.examples?.[0]?.command
  return [
    `Usage: ${doc.usage}`,
    ...subcommands.map(
      ({ description, name, shortDescription }) =>
        `  ${name.padEnd(width)}  ${firstSentence(shortDescription ?? description)}`
    ),
    ...(subcommands.length === 0 && example !== undefined ? [`Example: ${example}`] : []),
    path.length === 1
      ? `Help: ${command} <command> --help; all settings: ${command} --help`
      : `Help: ${command}${subcommands.length === 0 ? "" : " <command>"} --help`
  ].join("\n")
}

const MAX_DESCRIPTION_LENGTH = 90

const firstSentence = (text: string) => {
  const [sentence = ""] = text.split(/[.;:]\s/)
  return sentence.length > MAX_DESCRIPTION_LENGTH
    ? `${sentence.slice(0, MAX_DESCRIPTION_LENGTH - 1).trimEnd()}…`
    : sentence
}

const describe = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnknownSubcommand":
      return `Unknown command ${JSON.stringify(error.subcommand)}${suggestionOf(error.suggestions)}`
    case "UnrecognizedOption":
      return `Unknown flag ${error.option}${suggestionOf(error.suggestions)}`
    case "MissingArgument":
      return `Missing argument: <${error.argument}>`
    case "MissingOption":
      return `Missing flag: --${error.option}`
    case "InvalidValue": {
      const name = error.kind === "flag" ? `--${error.option}` : `<${error.option}>`
      const found = error.value === "" ? "nothing" : JSON.stringify(error.value)
      return `${name}: found ${found}, allowed: ${allowedBy(error.expected)}`
    }
    default:
      return error.message
  }
}

const suggestionOf = (suggestions: ReadonlyArray<string>) =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`

/** Restates the text of the parser. */
const allowedBy = (expected: string): string => {
  const [, restated = expected] = PARSER_TEXTS.find(([pattern]) => pattern.test(expected)) ?? []
  return restated
    .replace(/^Schema validation failed: /, "")
    .replace(/^Expected:? /, "")
    .replace(/^it must (be )?/, "")
    .replaceAll(/"([\w-]+)"(?: \| )?/g, (_literal, value: string, offset: number) =>
      offset === 0 ? value : `, ${value}`
    )
}

const PARSER_TEXTS: ReadonlyArray<readonly [RegExp, string]> = [
  [/finite number|integer/i, "a whole number"],
  [/boolean/i, "true or false"]
]

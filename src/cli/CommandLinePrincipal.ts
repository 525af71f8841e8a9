/** The principal recorded for changes made on the command line. */
export const COMMAND_LINE_PRINCIPAL = "command-line"

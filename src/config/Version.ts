/** The version of effex, as `package.json` has it too. */
export const VERSION = "0.1.0"

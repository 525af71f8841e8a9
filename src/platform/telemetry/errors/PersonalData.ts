/** Replacements in texts that leave the deployment. The order matters: a UUID is no phone number. */
const PATTERNS: ReadonlyArray<readonly [RegExp, string]> = [
  [/[\w.+%-]{1,64}@[\w-]+(\.[\w-]+)+/g, "<email>"],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<id>"],
  [/\b\d{1,3}(\.\d{1,3}){3}\b/g, "<address>"],
  [/(?<![\w:])(?=[0-9a-f:]*:[0-9a-f:]*:)[0-9a-f:]{3,39}(?![\w:])/gi, "<address>"],
  // PostgreSQL quotes values as `Key (username)=(amara)` and `invalid input syntax for type integer: "amara"`.
  [/=\([^()]*\)/g, "=(<value>)"],
  [/: "[^"]*"/g, ': "<value>"'],
  [/\bcontains? \([^()]*\)/gi, "contains (<value>)"]
]

/** Removes email and network addresses, ids, and values that PostgreSQL quotes. */
export const remove = (text: string): string =>
  PATTERNS.reduce((cleaned, [pattern, replacement]) => cleaned.replace(pattern, replacement), text)

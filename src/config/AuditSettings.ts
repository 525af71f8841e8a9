import { Option } from "effect"
import { define } from "./SettingDefinition.ts"
import { optional, url } from "./SettingParsers.ts"

/** Settings for the places outside of the database that receive the signed heads of the audit. */

export const AUDIT_HEADS_FILE = define({
  name: "AUDIT_HEADS_FILE",
  defaultText: "none",
  description:
    "File to which this node appends every signed head of the audit. Each node needs a file of its own",
  allowed: "a path",
  ...optional(Option.some<string>)
})

export const AUDIT_HEADS_URL = define({
  name: "AUDIT_HEADS_URL",
  defaultText: "none",
  description: "URL to which one node posts every signed head of the audit, at least once",
  allowed: "http://… or https://…",
  isSecret: true,
  ...optional(url("http:", "https:"))
})

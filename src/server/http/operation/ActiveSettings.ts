import { Effect } from "effect"
import type { ActiveSettingMessage } from "../../../api/operation/OverviewMessage.ts"
import * as Definitions from "../../../config/SettingDefinitions.ts"
import { Settings } from "../../../config/Settings.ts"

/** A setting of this process, without changes at run time. */
export type ConfiguredSetting = Omit<ActiveSettingMessage, "overridden_by">

/** Returns every setting of this process. Secrets have no value. */
export const read = Effect.map(Settings, ({ given }) =>
  Definitions.all.map(({ allowed, defaultText, description, isSecret, name }): ConfiguredSetting => {
    const text = given.get(name)
    return {
      name,
      value: text === undefined || text === null ? null : withoutCredentials(text),
      default: defaultText,
      source: given.has(name) ? "environment" : "default",
      secret: isSecret,
      description,
      allowed
    }
  })
)

/** Removes the credentials of a URL. */
const withoutCredentials = (text: string) => {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  if (url.username === "" && url.password === "") return text
  url.username = ""
  url.password = ""
  return url.href
}

import type { IconName } from "../../layout/Icons.ts"
import { texts } from "../../texts/account.ts"

export interface DeviceName {
  readonly text: string
  readonly icon: IconName
}

/** In this order: most browsers also have the name of another one. */
const PROGRAMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bEdgi?A?\w*\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|HeadlessChrome|Chromium)\//, "Chrome"],
  [/\bSafari\//, "Safari"]
]
const SYSTEMS: ReadonlyArray<readonly [RegExp, string, IconName]> = [
  [/\biPhone\b/, "iPhone", "phone"],
  [/\biPad\b/, "iPad", "phone"],
  [/\bAndroid\b/, "Android", "phone"],
  [/\bWindows\b/, "Windows", "computer"],
  [/\bMac OS X\b/, "Mac", "computer"],
  [/\bCrOS\b/, "ChromeOS", "computer"],
  [/\bLinux\b/, "Linux", "computer"]
]

const MAX_LENGTH = 60

/** Returns the name of the device that sent a `User-Agent`, such as "Firefox on Android". */
export const nameOf = (userAgent: string): DeviceName => {
  const program = PROGRAMS.find(([pattern]) => pattern.test(userAgent))?.[1]
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))
  const icon = system?.[2] ?? "computer"
  if (program === undefined || system === undefined) {
    // A program such as curl, by its own name.
    const name = userAgent.trim().slice(0, MAX_LENGTH)
    return { text: name === "" ? texts.sessions.unknownDevice : name, icon }
  }
  return { text: texts.sessions.on(program, system[1]), icon }
}

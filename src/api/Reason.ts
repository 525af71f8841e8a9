import * as DisplayText from "../domain/DisplayText.ts"

/** Why an administrator does something. It may have several lines. */
export const Reason = DisplayText.paragraph(1000)

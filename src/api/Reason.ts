import * as DisplayText from "../domain/DisplayText.ts"

/** Reason that an administrator gives for an action. It may have several lines. */
export const Reason = DisplayText.paragraph(1000)

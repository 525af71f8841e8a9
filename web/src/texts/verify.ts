/** Texts of the verifier of receipts. */
export const texts = {
  title: "Verify a receipt",
  intro:
    "Every conversion has a receipt: a proof that it is in the signed audit. This page checks it in your browser. The receipt is not sent anywhere.",
  receipt: "Receipt (JSON)",
  file: "Open a file",
  key: "Public key to trust",
  keyHelp: "64 hexadecimal digits. Filled in with the key of this server; replace it with the one you keep.",
  keyMissing: "The key of this server could not be read. Type the key that you keep.",
  check: "Verify",
  checking: "Verifying…",
  valid: "The receipt is valid",
  validText: (position: string, size: string, time: string) =>
    `Record ${position} of ${size} in the audit that was signed at ${time}.`,
  invalid: "The receipt is not valid",
  paid: "Paid",
  received: "Received",
  midRate: "Mid rate",
  margin: "Margin",
  rate: "Rate",
  provider: "Provider",
  convertedAt: "Converted",
  auditId: "Audit id",
  needReceipt: "Paste a receipt, or open its file.",
  notJson: "This is not JSON. Paste the complete receipt, from the first { to the last }."
} as const

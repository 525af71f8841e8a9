/** Texts of API keys. */
export const texts = {
  lead: "Keys of programs. Only the hash of a key is stored, so it is shown once.",
  new: "New key",
  name: "Name",
  nameHelp: "Such as the program that uses it. Keys with one name belong to one owner.",
  noName: "Type a name.",
  lifetime: "Expires",
  lifetimes: { "30 days": "in 30 days", "90 days": "in 90 days", "365 days": "in a year", never: "never" },
  noScope: "Choose at least one.",
  scopes: {
    "rates:read": "reads rates, with a limit of its own",
    convert: "converts and locks rates",
    "audit:read": "reads conversions and receipts",
    admin: "operates the service, like you in this area",
    wallets: "acts for every user that it names"
  },
  create: "Create the key…",
  cancel: "Cancel",
  createTitle: (name: string) => `Create a key for ${name}`,
  createText: (scopes: string) => `Anyone who has the key may use: ${scopes}.`,
  actsForUsers: "With wallets it can move the money of every user.",
  created: (name: string) => `The key of ${name} was created`,
  secretTitle: (name: string) => `Key of ${name}`,
  secretText: "Store it now: it cannot be shown again.",
  copy: "Copy",
  copied: "Copied",
  copyYourself: "Select the key and copy it: the browser does not allow it here",
  stored: "I have stored it",
  revoke: "Revoke…",
  revokeLabel: (name: string) => `Revoke… the key of ${name}`,
  revokeTitle: (name: string) => `Revoke the key of ${name}`,
  revokeText: (end: string) =>
    `The key that ends with ${end} is rejected by every node within 10 seconds, for good. Programs that use it stop working.`,
  revoked: (name: string) => `The key of ${name} was revoked`,
  empty: "There are no API keys yet.",
  states: { active: "active", expired: "expired", revoked: "revoked" },
  columns: {
    name: "Name",
    id: "Id",
    ends: "Ends with",
    scopes: "Scopes",
    created: "Created",
    expires: "Expires",
    used: "Last used",
    state: "State",
    action: "Action"
  }
} as const

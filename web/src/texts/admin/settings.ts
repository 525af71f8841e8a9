/** Texts of the settings. */
export const texts = {
  lead: "Settings in force on the node that answered. They change with a restart, except where this area changes them.",
  find: "Find a setting",
  show: "Which settings",
  all: "All",
  set: "Set",
  empty: "No setting matches.",
  secret: "set, never shown",
  sources: { default: "default", environment: "environment" },
  overridden: { poller: "overridden: schedule", "risk-rules": "overridden: rules" },
  columns: { name: "Name", value: "Value", source: "Source", description: "Meaning" }
} as const

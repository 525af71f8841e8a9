/**
 * Returns the normal form of a payment reference: the spellings of one reference have one key. It has compatibility
 * characters in their usual form (NFKC), no case, no spaces or invisible characters, and one kind of hyphen.
 */
export const referenceKeyOf = (reference: string): string =>
  // Both cases: ß and ss have the same upper case, and σ and ς too. One character at a time, σ never becomes ς.
  Array.from(reference.normalize("NFKC").toUpperCase(), (character) => character.toLowerCase())
    .join("")
    .normalize("NFKC")
    .replace(/[\s\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(/[\p{Dash}\u02D7\u2043]/gu, "-")

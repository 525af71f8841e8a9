/**
 * Returns what was entered into the field of an event. Fields whose type or element `v-model` would have to find out use
 * this, because its code for all of them is large.
 */
export const typedIn = ({ target }: Event): string =>
  target instanceof HTMLInputElement || target instanceof HTMLSelectElement ? target.value : ""

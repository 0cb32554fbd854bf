/** @file A device where none is named. */

/** Options with this device if none is named: `on: undefined` names none, and what is no record is refused by who gets it. */
export function withDevice<O extends { readonly on?: unknown }>(options: O, device: NonNullable<O["on"]>): O {
  const named = typeof options !== "object" || options === null || options.on !== undefined;
  return named ? options : { ...options, on: device };
}

/** @file What a call throws, with its class, as one line. */
export function refusalOf(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return "nothing";
}

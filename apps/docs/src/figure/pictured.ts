/**
 * @file A value that changes more often than pictures do. Keys and pointers read and write what is wanted; what is shown
 * follows with the next picture, and no change between two pictures is lost.
 */
import { type ShallowRef, shallowRef } from "vue";

interface Pictured<T> {
  /** The newest: every control shows it, and every change starts from it. */
  readonly wanted: Readonly<ShallowRef<T>>;
  /** What the last picture was made of. */
  readonly shown: Readonly<ShallowRef<T>>;
  /** Wants a value; it is shown with the next picture. */
  change(next: T): void;
  /** Shows a value at once. */
  set(next: T): void;
  /** No picture is awaited any more. */
  stop(): void;
}

/** What is asked for the next picture, and how that is taken back. */
interface Frames {
  request(draw: () => void): number;
  cancel(request: number): void;
}

const frames: Frames = {
  request: (draw) => requestAnimationFrame(draw),
  cancel: (request) => cancelAnimationFrame(request),
};

export function pictured<T>(initial: T, { request, cancel }: Frames = frames): Pictured<T> {
  const wanted = shallowRef(initial);
  const shown = shallowRef(initial);
  let awaited: number | undefined;
  const stop = (): void => {
    if (awaited !== undefined) cancel(awaited);
    awaited = undefined;
  };
  return {
    wanted,
    shown,
    change(next) {
      wanted.value = next;
      awaited ??= request(() => {
        awaited = undefined;
        shown.value = wanted.value;
      });
    },
    set(next) {
      stop();
      wanted.value = next;
      shown.value = next;
    },
    stop,
  };
}

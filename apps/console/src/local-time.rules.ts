const two = (value: number): string => String(value).padStart(2, '0');

/** As an input of type datetime-local has it: the browser's own time without a zone, to the second. @param at milliseconds since 1970 */
export function toLocalInput(at: number): string {
  const date = new Date(at);
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const LOCAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?$/;

/** Milliseconds since 1970; undefined when the text is no time of that kind. Of an hour that comes twice in autumn the first one. */
export function fromLocalInput(text: string): number | undefined {
  const at = LOCAL.test(text) ? new Date(text).getTime() : NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** The browser's time zone at that moment, e.g. "Europe/Berlin, UTC+02:00". */
export function zoneAt(at: number, name: string = Intl.DateTimeFormat().resolvedOptions().timeZone): string {
  if (name === 'UTC') return name;
  const offset = -new Date(at).getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${name}, UTC${offset < 0 ? '−' : '+'}${two(hours)}:${two(minutes)}`;
}

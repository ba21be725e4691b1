/** The time of day where this machine stands, `hh:mm`: what people mean by "at night". */
export function wallTime(): string {
  const now = new Date();
  return [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** 0 for Sunday. */
export function wallWeekday(): number {
  return new Date().getDay();
}

/** A tenant's message rate at the door, per isolate and in memory: a guard for the neighbours, not a meter. */
interface Window {
  minute: number;
  messages: number;
}

const TENANTS_MAX = 10_000;
const windows = new Map<string, Window>();

/** Seconds to wait where `messages` more would exceed the tenant's limit per minute; 0 where they are welcome. */
export function overRate(
  tenant: string,
  messages: number,
  perMinute: number,
  nowMs: number,
): number {
  const minute = Math.floor(nowMs / 60_000);
  let window = windows.get(tenant);
  if (window?.minute !== minute) {
    if (windows.size >= TENANTS_MAX) windows.clear();
    window = { minute, messages: 0 };
    windows.set(tenant, window);
  }
  if (window.messages + messages > perMinute && window.messages > 0) {
    return Math.max(1, Math.ceil(((minute + 1) * 60_000 - nowMs) / 1000));
  }
  window.messages += messages;
  return 0;
}

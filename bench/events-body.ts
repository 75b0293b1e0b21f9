/** The event that every part of the benchmark publishes: about 300 bytes, as an order or a status is. */

export const EVENT_TYPE = "bench.made";

export function eventBody(id: string) {
  return {
    event_id: id,
    event_type: EVENT_TYPE,
    event_version: "1.0",
    timestamp: "2026-11-21T12:00:00.000Z",
    source: "/bench",
    data: { order: id, total: 129.9, currency: "BRL", items: [{ sku: "A-1", count: 2 }] },
    metadata: {},
  };
}

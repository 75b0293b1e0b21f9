/** Values that must never stand beside the messages: planted everywhere, then looked for in what came out. */
export const CANARIES: readonly string[] = [
  "+5511987654321",
  "5511987654321",
  "55 11 98765-4321",
  "(11) 98765-4321",
  "11.98765.4321",
  "wa:5511987654321",
  "wa5511987654321",
  "conversation_5511987654321",
  "5511987654321@s.whatsapp.net",
  "120363025246125486@g.us",
  "8675309",
  "maria.silva@example.com",
  "Maria Silva",
  "João",
  "hello, my order is late",
  "123-45-6789",
  "4111111111111111",
  "4111-1111-1111-1111",
  "192.168.100.200",
  "xoxb-123-abc-def",
  "xoxe.xoxp-1-abc",
  "xapp-1-A1-abc",
  "whsec_MfKQ9r8GKYqrTwjU",
  "Bearer abcdef",
  "bearer:abcdef",
  "sk-proj-abcdefgh",
  "sk_live_abcdefgh",
  "ghp_abcdefghijkl",
  "hub_live_abcdefgh_ijklmnop",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
  "https://example.com/?q=me",
  "a".repeat(129),
  "line\nbreak",
  '"quoted"',
];

/** Which canaries stand in a text, also without their separators. */
export function canariesIn(text: string): string[] {
  return CANARIES.filter(
    (canary) => text.includes(canary) || text.includes(JSON.stringify(canary)),
  );
}

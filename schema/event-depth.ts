/** The bound of chains of events, apart from the zod schema: a conversation counts with it and must not load zod for it. */

/**
 * How deep a chain of events may be in which the hub itself goes on from one to the next. An event that deep starts no
 * run and goes into no conversation. AWS Lambda ends recursive invocations after about as many (AWS Lambda docs: "Use
 * Lambda recursive loop detection").
 */
export const EVENT_DEPTH_MAX = 16;

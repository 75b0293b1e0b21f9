/** What every event reader needs to know besides the event's data. */
export interface EventContext {
  readonly instance: string;
  /** Address of the connected number, where the envelope shows it. */
  readonly owner: string | undefined;
}

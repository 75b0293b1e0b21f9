/** Work of an object that must not run twice at once: asked for meanwhile, it runs once more when it has ended. */
export class SingleFlight {
  readonly #work: () => Promise<void>;
  #again = false;
  #flight: Promise<void> | undefined;

  /** `work` must not reject. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when nothing is left that was asked for by now. */
  run(): Promise<void> {
    this.#again = true;
    this.#flight ??= this.#fly().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #fly(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#work();
    }
  }
}

/**
 * What the simulated services know and how they answer, without a server: things by reference, answers by idempotency
 * key. What was done under a key is done once and its answer repeated ever after, a refusal may be tried again; a thing
 * that was taken back stays so, also where the call that makes it comes late.
 */
import { asRecord, asText, json, type Reply } from "../http.ts";
import { SERVICES, type Service } from "./catalogue.ts";

/** Somebody that references stand for; every field but `person` is about the person. */
export interface Person {
  readonly person: string;
  readonly [field: string]: string;
}

/** Something that was really done, once. */
export interface Effect {
  readonly n: number;
  readonly tenant: string;
  readonly action: string;
  /** The run's reference. */
  readonly reference: string;
  readonly key: string;
  /** What was made, taken back or sent. */
  readonly id: string;
  readonly is: "made" | "taken" | "sent";
  readonly template?: string;
}

/** The next calls of an action are refused: `refused.<code>`, 422. */
export interface Refusal {
  readonly action: string;
  readonly code: string;
  /** How many calls; absent: all. */
  readonly next?: number;
  readonly tenant?: string;
  /** Only calls of this run, or of this step. */
  readonly run?: string;
  readonly step?: string;
}

export interface ServiceCall {
  readonly tenant: string;
  readonly action: string;
  readonly key: string;
  readonly run?: string;
  readonly step?: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export interface ServicesWorld {
  answer(call: ServiceCall): Reply;
  know(person: Person): void;
  refuse(refusal: Refusal): void;
  /** Answers and refusals say all that is known of the person they are about. Default false. */
  talk(isTalkative: boolean): void;
  effects(): readonly Effect[];
  /** Ids of what was made for a reference and not taken back, by thing. */
  standing(tenant: string, reference: string): Readonly<Record<string, string>>;
  /** Forgets all but the people. */
  reset(): void;
}

interface Thing {
  readonly id: string;
  taken: boolean;
}

/** A world in which nobody is known and nothing was made. */
export function createServicesWorld(): ServicesWorld {
  return new World();
}

class World implements ServicesWorld {
  readonly #people = new Map<string, Person>();
  readonly #things = new Map<string, Thing>();
  readonly #answers = new Map<string, Reply>();
  #effects: Effect[] = [];
  #refusals: { readonly refusal: Refusal; left: number }[] = [];
  #isTalkative = false;
  #made = 0;

  answer(call: ServiceCall): Reply {
    const service = SERVICES[call.action];
    if (!service) return refused(404, "refused.unknown_action", "no such action");
    if (call.key === "") return refused(400, "refused.no_key", "an Idempotency-Key is needed");
    const place = JSON.stringify([call.tenant, call.action, call.key]);
    const before = this.#answers.get(place);
    if (before) return before;
    const reply = this.#refusalOf(call) ?? this.#served(call, service);
    if (reply.status < 300) this.#answers.set(place, reply);
    return reply;
  }

  know(person: Person): void {
    this.#people.set(person.person, person);
  }

  refuse(refusal: Refusal): void {
    this.#refusals.push({ refusal, left: refusal.next ?? Number.POSITIVE_INFINITY });
  }

  talk(isTalkative: boolean): void {
    this.#isTalkative = isTalkative;
  }

  effects(): readonly Effect[] {
    return this.#effects;
  }

  standing(tenant: string, reference: string): Readonly<Record<string, string>> {
    const own = [...this.#things].flatMap(([place, { id, taken }]) => {
      const [of, thing, by] = JSON.parse(place) as [string, string, string];
      return of === tenant && by === reference && !taken && id !== "" ? [[thing, id] as const] : [];
    });
    return Object.fromEntries(own);
  }

  reset(): void {
    this.#things.clear();
    this.#answers.clear();
    this.#effects = [];
    this.#refusals = [];
    this.#isTalkative = false;
  }

  #refusalOf(call: ServiceCall): Reply | undefined {
    const hit = this.#refusals.find(({ refusal, left }) => left > 0 && isMeant(refusal, call));
    if (!hit) return undefined;
    hit.left -= 1;
    return refused(422, `refused.${hit.refusal.code}`, this.#said(call, "not possible"));
  }

  #served(call: ServiceCall, service: Service): Reply {
    switch (service.is) {
      case "make":
        return this.#make(call, service);
      case "take":
        return this.#take(call, service.thing);
      case "check":
        return this.#done(call, { [service.member]: this.#newId(service.member) });
      case "send": {
        const id = this.#newId(service.member);
        const template = asText(call.input.template);
        this.#note(call, { id, is: "sent", ...(template !== undefined && { template }) });
        return this.#done(call, { [service.member]: id });
      }
    }
  }

  #make(call: ServiceCall, { thing, member }: Extract<Service, { is: "make" }>): Reply {
    const place = placeOf(call, thing);
    const known = this.#things.get(place);
    if (known?.taken) return refused(409, "refused.taken_back", "it was taken back before");
    if (known) return this.#done(call, { [member]: known.id });
    const id = this.#newId(thing);
    this.#things.set(place, { id, taken: false });
    this.#note(call, { id, is: "made" });
    return this.#done(call, { [member]: id });
  }

  /** Nothing was made: from now on nothing will be. */
  #take(call: ServiceCall, thing: string): Reply {
    const place = placeOf(call, thing);
    const known = this.#things.get(place);
    if (!known) this.#things.set(place, { id: "", taken: true });
    if (!known || known.taken) return this.#done(call, { taken: false });
    known.taken = true;
    this.#note(call, { id: known.id, is: "taken" });
    return this.#done(call, { taken: true });
  }

  #done(call: ServiceCall, body: Readonly<Record<string, unknown>>): Reply {
    const person = this.#isTalkative ? this.#personOf(call) : undefined;
    return json(person ? { ...body, person, note: this.#said(call, "done") } : body);
  }

  #note(call: ServiceCall, what: Pick<Effect, "id" | "is" | "template">): void {
    const { tenant, action, key, input } = call;
    const reference = asText(input.reference) ?? "";
    this.#effects.push({ n: this.#effects.length + 1, tenant, action, reference, key, ...what });
  }

  #said(call: ServiceCall, text: string): string {
    const person = this.#isTalkative ? this.#personOf(call) : undefined;
    return person ? `${text} for ${Object.values(person).join(", ")}` : text;
  }

  /** Whoever the call, or the run that it belongs to, is about; one who is known where it does not say. */
  #personOf({ input }: ServiceCall): Person | undefined {
    const named = this.#people.get(asText(input.person ?? input.owner) ?? "");
    return named ?? [...this.#people.values()][0];
  }

  #newId(word: string): string {
    this.#made += 1;
    return `${word}_${String(this.#made).padStart(4, "0")}`;
  }
}

function isMeant({ action, tenant, run, step }: Refusal, call: ServiceCall): boolean {
  const places = [
    [tenant, call.tenant],
    [run, call.run],
    [step, call.step],
  ];
  return action === call.action && places.every(([one, own]) => one === undefined || one === own);
}

function placeOf({ tenant, input }: ServiceCall, thing: string): string {
  return JSON.stringify([tenant, thing, asText(input.reference) ?? ""]);
}

function refused(status: number, code: string, message: string): Reply {
  return json({ error: { code, message, retryable: false } }, status);
}

/** The call that a request makes: `POST /<tenant>/<action>` with `{run, step, input}`. */
export function serviceCallOf(path: string, key: string | undefined, body: unknown): ServiceCall {
  const [tenant = "", action = ""] = path.split("/").slice(1).map(decodeURIComponent);
  const { run, step, input } = asRecord(body);
  return {
    ...{ tenant, action, key: key ?? "", input: asRecord(input) },
    ...(asText(run) !== undefined && { run: asText(run) ?? "" }),
    ...(asText(step) !== undefined && { step: asText(step) ?? "" }),
  };
}

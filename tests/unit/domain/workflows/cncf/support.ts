/** Parts of documents for tests. */

export const DOCUMENT = { dsl: "1.0.3", namespace: "default", name: "flow", version: "1.0.0" };

/** An expression as data has it. */
export const jq = (expression: string) => `$${"{"} ${expression} }`;

/** A flow directive: an object that is written with its name looks like a promise. */
export const going = (target: string) => JSON.parse(`{"then":${JSON.stringify(target)}}`);

const PETS = "https://petstore.swagger.io/v2/pet";

/** A call of the pet store. */
export const get = (path: string) => ({
  call: "http",
  with: { method: "get", endpoint: `${PETS}${path}` },
});

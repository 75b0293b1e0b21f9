/** Single actions of the hub's, each called by a run of its own, before a world that the test speaks for. */
import { Validator } from "@cfworker/json-schema";
import { expect } from "vitest";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { ACTIONS } from "../../../workers/workflows/actions/registry.ts";
import { testApi, unique } from "../api/hub-api.ts";
import { nextOrigin, type Running, type RunningOptions, running } from "./running.ts";

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly text: string;
}

/** A tenant that the directory knows, with what its body says besides, before a world that `answer` speaks for. */
export async function tenantWith(
  body: (origin: string) => Record<string, unknown> = () => ({}),
  answer: (asked: Asked) => Response = () => Response.json({}),
): Promise<{ readonly hub: Running; readonly asked: Asked[] }> {
  const tenant = `${unique("actions")}-${crypto.randomUUID().slice(0, 4)}`;
  const asked: Asked[] = [];
  const outside: RunningOptions["outside"] = async (request) => {
    const { method, headers } = request;
    const one = { method, headers, url: new URL(request.url), text: await request.text() };
    asked.push(one);
    return answer(one);
  };
  const made = await testApi().ask("POST", "/tenants", {
    body: { id: tenant, ...body(nextOrigin()) },
  });
  if (made.status !== 201) throw new Error(made.text);
  return { hub: await running({}, { tenant, outside }), asked };
}

/** One step with this action; its output, or its error. Output of success fits the action's schema. */
export async function act(
  hub: Running,
  action: string,
  given: Json,
  more: Record<string, unknown> = {},
): Promise<unknown> {
  const id = `one-${crypto.randomUUID().slice(0, 8)}`;
  await hub.deploy({ id, steps: [{ id: "it", type: "action", action, with: given, ...more }] });
  const state = await hub.ended(await hub.start(id, { correlationId: "case-7" }));
  const { it } = state.steps;
  if (it?.status !== "succeeded") return { error: it?.error?.reason };
  const schema = ACTIONS.get(action)?.output as object | boolean;
  expect(new Validator(schema as never, "2020-12").validate(it.output)).toMatchObject({
    valid: true,
  });
  return it.output;
}

/** Loads the admin API once per isolate. Imported lazily by `hub.ts`. */
import { callOnce } from "../platform/http.ts";
import { logLine } from "../platform/log.ts";
import { flushMetrics } from "../platform/metrics.ts";
import { createApi, type HubApi } from "./api.ts";
import { isolateOf } from "./isolate.ts";
import { registerConversations } from "./routes/conversations.ts";
import { registerDeadLetters } from "./routes/dead-letters.ts";
import { registerMessages } from "./routes/messages.ts";

const apis = new WeakMap<object, HubApi>();

export async function handleApi(
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  let api = apis.get(env);
  if (!api) {
    api = openApi(env);
    apis.set(env, api);
  }
  const response = await api.fetch(request, env, context);
  context.waitUntil(flushMetrics(env, Date.now()));
  return response;
}

function openApi(env: Env): HubApi {
  const { vars, vault, directory } = isolateOf(env);
  const deps = { env, vars, vault, directory, callOnce, now: () => Date.now(), log: logLine };
  return createApi(deps, [registerMessages, registerConversations, registerDeadLetters]);
}

/** Loads the admin API once per isolate. Imported lazily by `hub.ts`. */
import { callOnce } from "../platform/http.ts";
import { logLine } from "../platform/log.ts";
import { flushMetrics } from "../platform/metrics.ts";
import { createApi, type HubApi } from "./api.ts";
import type { ApiDeps } from "./http/deps.ts";
import { isolateOf } from "./isolate.ts";
import { publishOwed } from "./operations/publish-owed.ts";
import { handleSignedUnified, isSignedUnified } from "./operations/signed-unified.ts";
import { registerAlertRules } from "./routes/alert-rules.ts";
import { registerArchive } from "./routes/archive.ts";
import { registerAudit } from "./routes/audit.ts";
import { registerConversations } from "./routes/conversations.ts";
import { registerDeadLetters } from "./routes/dead-letters.ts";
import { registerDeliveries } from "./routes/deliveries.ts";
import { registerEventTypes } from "./routes/event-types.ts";
import { registerEvents } from "./routes/events.ts";
import { registerMessages } from "./routes/messages.ts";
import { registerPull } from "./routes/pull.ts";
import { registerReplays } from "./routes/replays.ts";
import { registerSchedules } from "./routes/schedules.ts";
import { registerSecrets } from "./routes/secrets.ts";
import { registerSubscriptions } from "./routes/subscriptions.ts";
import { registerTasks } from "./routes/tasks.ts";
import { registerTenantData } from "./routes/tenant-data.ts";
import { registerWorkflowActions } from "./routes/workflow-actions.ts";
import { registerWorkflowHooks } from "./routes/workflow-hooks.ts";
import { registerReadyWorkflows } from "./routes/workflow-ready.ts";
import { registerWorkflowReport } from "./routes/workflow-report.ts";
import { registerWorkflowRuns } from "./routes/workflow-runs.ts";
import { registerWorkflowRun } from "./routes/workflow-runs-detail.ts";
import { registerWorkflowRunOrders } from "./routes/workflow-runs-orders.ts";
import { registerWorkflowVersions } from "./routes/workflow-versions.ts";
import { registerWorkflows } from "./routes/workflows.ts";
import { registerWorkflowRouting } from "./routes/workflows-routing.ts";

const apis = new WeakMap<object, HubApi>();

export async function handleApi(
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  if (isSignedUnified(request)) return handleSignedUnified(depsOf(env), request, context);
  let api = apis.get(env);
  if (!api) {
    api = openApi(env);
    apis.set(env, api);
  }
  const response = await api.fetch(request, env, context);
  context.waitUntil(publishOwed(env));
  context.waitUntil(flushMetrics(env, Date.now()));
  return response;
}

function depsOf(env: Env): ApiDeps {
  const { vars, vault, directory } = isolateOf(env);
  return { env, vars, vault, directory, callOnce, now: () => Date.now(), log: logLine };
}

function openApi(env: Env): HubApi {
  return createApi(depsOf(env), [
    registerMessages,
    registerConversations,
    registerDeadLetters,
    registerDeliveries,
    registerReplays,
    registerEvents,
    registerEventTypes,
    registerSubscriptions,
    registerPull,
    registerArchive,
    registerAudit,
    registerAlertRules,
    registerSchedules,
    registerWorkflowHooks,
    registerReadyWorkflows,
    registerWorkflows,
    registerWorkflowRouting,
    registerWorkflowVersions,
    registerWorkflowRuns,
    registerWorkflowRun,
    registerWorkflowRunOrders,
    registerWorkflowReport,
    registerWorkflowActions,
    registerTasks,
    registerSecrets,
    registerTenantData,
  ]);
}

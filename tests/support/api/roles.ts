/** Who may call what: for every operation of the document, the status that each kind of caller gets. */
import type { ApiWorld, Ask } from "./world.ts";

/** Callers with a key that is in force, in the order of the table's columns. */
const KEY_HOLDERS = ["all", "read", "none", "foreign", "operator"] as const;
/** Callers without one: always the same 401. */
export const STRANGERS = [
  "keyless",
  "wrong",
  "truncated",
  "inQuery",
  "revoked",
  "expired",
] as const;

export type Role = (typeof KEY_HOLDERS)[number] | (typeof STRANGERS)[number];
export const ROLES: readonly Role[] = [...STRANGERS, ...KEY_HOLDERS];

/**
 * The owner's key with every scope, one with every `:read`, one with a scope no route needs, another
 * tenant's key with every scope, the operator's. All of them call with the owner's ids.
 */
type Row = readonly [all: number, read: number, none: number, foreign: number, operator: number];

const OPEN = (status: number) => ({ everyone: status }) as const;
/** Reads of a tenant's own, by a path or id that names it. */
const READ: Row = [200, 200, 403, 404, 200];
const READ_OWN: Row = [200, 200, 403, 200, 200];
const WRITE: Row = [200, 403, 403, 404, 200];
const CREATE: Row = [201, 403, 403, 404, 201];
const DELETE: Row = [204, 403, 403, 404, 204];
const OPERATOR_ONLY = (status: number): Row => [403, 403, 403, 403, status];

/** By operationId. An operation that stands in the document and not here fails the suite. */
export const AUTHORISATION: Readonly<Record<string, Row | { readonly everyone: number }>> = {
  listTenants: READ_OWN,
  createTenant: OPERATOR_ONLY(201),
  getTenant: READ,
  updateTenant: WRITE,
  deleteTenant: OPERATOR_ONLY(204),
  rotateTenantKeys: OPERATOR_ONLY(200),
  listConnections: READ,
  createConnection: CREATE,
  getConnection: READ,
  updateConnection: WRITE,
  deleteConnection: DELETE,
  listApiKeys: READ,
  createApiKey: CREATE,
  revokeApiKey: DELETE,
  listAccessRules: READ,
  createAccessRule: CREATE,
  getAccessRule: READ,
  updateAccessRule: WRITE,
  deleteAccessRule: DELETE,
  // Without a tenant in it a stranger's request is one for the stranger's own tenant.
  createInstance: [201, 403, 403, 201, 201],
  getInstance: READ,
  // A fresh code is a new way in, so a key that only reads does not get one.
  getInstanceQr: WRITE,
  connectInstance: WRITE,
  restartInstance: WRITE,
  logoutInstance: WRITE,
  deleteInstance: DELETE,
  startSlackInstall: [302, 403, 403, 404, 302],
  // Proven by its signed state, not by a key; this one is not ours.
  finishSlackInstall: OPEN(400),
  previewRoute: READ,
  getHealth: OPEN(200),
  getMetrics: READ_OWN,
  sendMessage: [202, 403, 403, 404, 202],
  // The body names the owner, which a stranger's key is not.
  takeUnifiedMessage: [202, 403, 403, 403, 202],
  listMessages: READ_OWN,
  listTenantMessages: READ,
  getMessage: READ,
  getMessageMedia: READ,
  getMessageTimeline: READ,
  listConversations: READ_OWN,
  getConversation: READ,
  pauseConversation: WRITE,
  resumeConversation: WRITE,
  setConversationSettings: WRITE,
  listAlertRules: READ_OWN,
  createAlertRule: [201, 403, 403, 201, 201],
  getAlertRule: READ,
  replaceAlertRule: WRITE,
  deleteAlertRule: DELETE,
  listArchive: READ_OWN,
  verifyArchive: READ_OWN,
  rebuildArchiveIndex: [200, 403, 403, 200, 200],
  listAudit: READ_OWN,
  verifyAudit: READ_OWN,
  exportAudit: READ_OWN,
  listDeadLetters: READ_OWN,
  getDeadLetter: READ,
  discardDeadLetter: WRITE,
  replayDeadLetter: [202, 403, 403, 404, 202],
  replayDeadLetters: [202, 403, 403, 202, 202],
  groupDeadLetters: READ_OWN,
  // Both are dry runs. A stranger's tenant has no such subscription.
  startDeadLetterReplay: [200, 403, 403, 200, 200],
  startReplay: [200, 403, 403, 422, 200],
  listReplays: READ_OWN,
  getReplay: READ,
  pauseReplay: WRITE,
  resumeReplay: WRITE,
  cancelReplay: WRITE,
  listSubscriptionDeliveries: READ,
  listEventDeliveries: READ_OWN,
  getDelivery: READ,
  resendDelivery: [202, 403, 403, 404, 202],
  recoverSubscription: [202, 403, 403, 404, 202],
  testSubscription: [202, 403, 403, 404, 202],
  listSubscriptions: READ_OWN,
  createSubscription: [201, 403, 403, 201, 201],
  getSubscription: READ,
  updateSubscription: WRITE,
  deleteSubscription: DELETE,
  pauseSubscription: WRITE,
  resumeSubscription: WRITE,
  enableSubscription: WRITE,
  verifySubscription: WRITE,
  rotateSubscriptionSecret: WRITE,
  dropOldSubscriptionSecrets: WRITE,
  getAllSubscriptionStats: READ_OWN,
  getSubscriptionStats: READ,
  dryRunEvent: READ_OWN,
  listBlockedDeliveries: READ,
  decideBlockedDelivery: DELETE,
  leaseDeliveries: WRITE,
  settleDeliveries: WRITE,
  // A stranger's tenant does not know the owner's type.
  publishEvents: [202, 403, 403, 422, 202],
  listEvents: READ_OWN,
  getEvent: READ,
  getAggregate: READ_OWN,
  listEventTypes: READ_OWN,
  createEventType: [201, 403, 403, 201, 201],
  getEventType: READ,
  addEventTypeVersion: [201, 403, 403, 404, 201],
  updateEventType: WRITE,
  deleteEventType: DELETE,
  // Everybody's own workflow: the body names no tenant.
  uploadWorkflow: [201, 403, 403, 201, 201],
  validateWorkflow: READ_OWN,
  getWorkflowSchema: OPEN(200),
  listWorkflows: READ_OWN,
  getWorkflow: READ,
  promoteWorkflow: WRITE,
  rollBackWorkflow: WRITE,
  rollOutWorkflow: WRITE,
  endWorkflowRollout: WRITE,
  pauseWorkflow: WRITE,
  resumeWorkflow: WRITE,
  deleteWorkflow: DELETE,
  listWorkflowVersions: READ,
  getWorkflowVersion: READ,
  getWorkflowSource: READ,
  diffWorkflowVersions: READ,
  getWorkflowGraph: READ,
  getWorkflowReport: READ,
  listReadyWorkflows: READ_OWN,
  // A stranger has none of the services.
  installReadyWorkflow: [200, 403, 403, 422, 200],
  listWorkflowActions: READ_OWN,
  listWorkflowServices: READ_OWN,
  putWorkflowService: [200, 403, 403, 200, 200],
  deleteWorkflowService: DELETE,
  startRun: [202, 403, 403, 404, 202],
  listRuns: READ_OWN,
  listFailedCompensations: READ_OWN,
  getRun: READ,
  getRunSteps: READ,
  getRunState: READ,
  getRunValue: READ,
  getRunTimeline: READ,
  listRunAudit: READ,
  getRunGraph: READ,
  pauseRun: WRITE,
  resumeRun: WRITE,
  cancelRun: WRITE,
  retryRun: WRITE,
  retryCompensation: WRITE,
  signalRun: WRITE,
  listSchedules: READ_OWN,
  // A stranger has no such workflow.
  createSchedule: [201, 403, 403, 422, 201],
  getSchedule: READ,
  updateSchedule: WRITE,
  pauseSchedule: WRITE,
  resumeSchedule: WRITE,
  deleteSchedule: DELETE,
  nextScheduleSlots: READ,
  fireSchedule: [202, 403, 403, 404, 202],
  listScheduleSlots: READ,
  // Whatever is not proven is the same 401.
  postWorkflowHook: [202, 401, 401, 401, 202],
  listTasks: READ_OWN,
  getTask: READ,
  answerTask: WRITE,
  reassignTask: WRITE,
  commentTask: [201, 403, 403, 404, 201],
  listSecrets: READ_OWN,
  putSecret: [204, 403, 403, 204, 204],
  deleteSecret: DELETE,
  listData: READ_OWN,
  getData: READ,
  // A key that is there already for its owner, and a new one for a stranger.
  putData: [200, 403, 403, 201, 200],
  deleteData: DELETE,
};

/** The status a role gets, or undefined for an operation without a row. */
export function expectedStatus(operation: string, role: Role): number | undefined {
  const row = AUTHORISATION[operation];
  if (row === undefined) return undefined;
  if ("everyone" in row) return row.everyone;
  const column = KEY_HOLDERS.indexOf(role as (typeof KEY_HOLDERS)[number]);
  return column < 0 ? 401 : row[column];
}

/** What a role sends to prove itself. The owner is acme. */
export function proofOf(world: ApiWorld, role: Role): Pick<Ask, "key" | "query"> {
  const { acme, globex, hub } = world;
  const { all } = acme.keys;
  switch (role) {
    case "keyless":
      return {};
    case "wrong":
      return { key: `${all.slice(0, -1)}${all.endsWith("x") ? "y" : "x"}` };
    case "truncated":
      return { key: all.slice(0, -4) };
    case "inQuery":
      return { query: { api_key: all, key: all, access_token: all } };
    case "revoked":
      return { key: acme.keys.revoked };
    case "expired":
      return { key: acme.keys.expired };
    case "foreign":
      return { key: globex.keys.all };
    case "operator":
      return { key: hub.adminKey };
    case "all":
    case "read":
    case "none":
      return { key: acme.keys[role] };
  }
}

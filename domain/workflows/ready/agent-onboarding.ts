/**
 * Onboarding of an agent: its application is validated, the agent created, then its key, its channel and its knowledge
 * are made at the same time, and its owner is told. What fails takes everything away again, the last first. The token
 * of the channel is a secret of the tenant and stands nowhere else.
 */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { answered, call, doubt, effect, REFERENCE, reference, undo, undoneBy } from "./parts.ts";

const input = {
  type: "object",
  required: ["application", "owner", "channel"],
  additionalProperties: false,
  properties: {
    application: reference("app", "What the agent shall be"),
    owner: reference("per", "Whose agent it is"),
    channel: { enum: ["whatsapp", "slack", "discord"] },
  },
};

const AGENT = "{{ steps.create.output.agent }}";

const steps: WorkflowDefinition["steps"] = [
  call({
    id: "validate",
    name: "Validate the application",
    action: "agents.validate",
    with: { application: "{{ input.application }}", channel: "{{ input.channel }}" },
    output: answered("blueprint"),
    next: "create",
  }),
  effect({
    id: "create",
    name: "Create the agent",
    action: "agents.create",
    with: {
      reference: REFERENCE,
      application: "{{ input.application }}",
      owner: "{{ input.owner }}",
      blueprint: "{{ steps.validate.output.blueprint }}",
    },
    output: answered("agent"),
    next: "equip",
  }),
  {
    id: "equip",
    type: "parallel",
    name: "Equip the agent",
    next: ["issue-key", "connect-channel", "open-knowledge"],
    join: "notify",
  },
  effect({
    id: "issue-key",
    name: "Issue its key",
    action: "keys.issue",
    with: { reference: REFERENCE, agent: AGENT },
    output: answered("key"),
  }),
  effect({
    id: "connect-channel",
    name: "Connect its channel",
    action: "channels.connect",
    with: {
      reference: REFERENCE,
      agent: AGENT,
      channel: "{{ input.channel }}",
      token: { $secret: "channel-token" },
    },
    output: answered("connection"),
  }),
  effect({
    id: "open-knowledge",
    name: "Open its knowledge space",
    action: "knowledge.open",
    with: { reference: REFERENCE, agent: AGENT },
    output: answered("space"),
  }),
  call({
    id: "notify",
    name: "Tell its owner",
    action: "notifications.send",
    with: {
      reference: REFERENCE,
      person: "{{ input.owner }}",
      template: "agent.ready",
      about: AGENT,
    },
    output: answered("notification"),
  }),
  doubt("create"),
  doubt("issue-key"),
  doubt("connect-channel"),
  doubt("open-knowledge"),
  undo("remove-agent", "Remove the agent", "agents.remove"),
  undo("revoke-key", "Revoke its key", "keys.revoke"),
  undo("disconnect-channel", "Disconnect its channel", "channels.disconnect"),
  undo("close-knowledge", "Close its knowledge space", "knowledge.close"),
  call({
    id: "apologise",
    name: "Tell the owner that there is no agent",
    action: "notifications.send",
    with: {
      reference: REFERENCE,
      person: "{{ input.owner }}",
      template: "agent.failed",
      about: "{{ input.application }}",
    },
    output: answered("notification"),
  }),
];

export const AGENT_ONBOARDING: WorkflowDefinition = {
  id: "agent-onboarding",
  name: "Onboarding of an agent",
  version: "1.0.0",
  description:
    "Validates the application, creates the agent, makes its key, its channel and its knowledge space at the same time, and tells the owner. A failure at any step takes everything away again, the last first.",
  labels: { ready: "true", kind: "saga" },
  input,
  output: {
    agent: AGENT,
    key: '{{ steps["issue-key"].output.key }}',
    connection: '{{ steps["connect-channel"].output.connection }}',
    space: '{{ steps["open-knowledge"].output.space }}',
  },
  timeout: "1h",
  steps,
  compensation: undoneBy({
    create: "remove-agent",
    "issue-key": "revoke-key",
    "connect-channel": "disconnect-channel",
    "open-knowledge": "close-knowledge",
  }),
  onFailure: "apologise",
};

/** Tasks as the API shows them: out of the tenant's tables, with what their runs know by now. */

import type * as z from "zod";
import type { TaskNote } from "../../domain/workflows/run/state.ts";
import type { TaskAuditRow, TaskRow } from "../../platform/repositories/tasks.ts";
import type { TaskDetails } from "../../platform/workflow-log.ts";
import type { TaskNow } from "../../platform/workflow-runs.ts";
import type { TaskDetail, TaskView } from "../../schema/api/tasks.ts";

export interface Shown {
  readonly row: TaskRow;
  readonly status: TaskRow["state"];
  readonly details: TaskDetails;
}

/** The tables may be behind the run, never ahead of it. */
export function shownTask(row: TaskRow, now?: TaskNow): Shown {
  const stored = JSON.parse(row.details) as TaskDetails;
  if (row.state !== "open" || !now) return { row, status: row.state, details: stored };
  if (now.details) return { row, status: "open", details: now.details };
  return { row, status: now.state, details: { ...stored, ...(now.end ? { end: now.end } : {}) } };
}

export function taskView({ row, status, details }: Shown): z.output<typeof TaskView> {
  const { channel, text, assignees, escalatedTo = [], dueAtMs } = details;
  return {
    id: row.id,
    tenant: row.tenant_id,
    run: row.run_id,
    workflow: row.workflow_id,
    step: row.step_key,
    status,
    title: details.title,
    text: text ?? null,
    assignees: assignees ? [...assignees] : null,
    escalated_to: [...escalatedTo],
    choices: details.choices.map((choice) => ({ ...choice })),
    channel: channel ? { connection: channel.connection, to: channel.to ?? null } : null,
    opened_at: iso(details.openedAtMs),
    due_at: dueAtMs === undefined ? null : iso(dueAtMs),
    reminders: details.reminders,
    escalations: details.escalations,
    end: endView(details),
  };
}

export function taskDetail(
  shown: Shown,
  history: readonly TaskAuditRow[],
): z.output<typeof TaskDetail> {
  const { form, end, notes = [] } = shown.details;
  return {
    ...taskView(shown),
    form: form ?? null,
    answered_form: end?.form ?? null,
    notes: notes.map(noteView),
    history: history.map(({ at, what, outcome, reason }) => {
      return { at: iso(at), what, choice: outcome, reason };
    }),
  };
}

function endView({ end }: TaskDetails): z.output<typeof TaskView>["end"] {
  if (!end) return null;
  const { choice = null, by = null, via = null, comment = null, atMs } = end;
  return { choice, by, via, at: iso(atMs), comment };
}

function noteView(note: TaskNote): z.output<typeof TaskDetail>["notes"][number] {
  const { is: kind, atMs, by, via } = note;
  const said =
    note.is === "comment"
      ? { text: note.text }
      : { assignees: [...note.assignees], from: note.from ? [...note.from] : null };
  return { kind, at: iso(atMs), by, via, ...said };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

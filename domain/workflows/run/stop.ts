/** Ending threads at their next step: what waits is cancelled at once, what runs settles first. */
import { cancelStep, endFrame } from "./advance.ts";
import type { Draft } from "./draft.ts";

export function stopFrame(d: Draft, id: string): undefined {
  const frame = d.state.frames[id];
  if (!frame || frame.stopping) return;
  d.state.frames[id] = { ...frame, stopping: true };
  const record = frame.at === undefined ? undefined : d.state.steps[frame.at];
  if (frame.ready !== undefined || !record) return endFrame(d, frame, { is: "stopped" });
  const members = Object.values(d.state.frames).filter(({ parent }) => parent === record.key);
  for (const member of members) stopFrame(d, member.id);
  const settles = record.group ? members.length > 0 : record.status === "running";
  if (settles) return;
  cancelStep(d, record);
  endFrame(d, frame, { is: "stopped" });
}

/** Every thread of the run. */
export function stopAll(d: Draft): undefined {
  for (const { id, parent } of Object.values(d.state.frames)) {
    const orphan = parent !== undefined && d.state.steps[parent]?.ended !== undefined;
    if (parent === undefined || orphan) stopFrame(d, id);
  }
}

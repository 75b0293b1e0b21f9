/** Prints CPU per message, and the hub beside the peers' whole stacks. */
import { type CpuReport, type MeasuredWorker, WORKERS } from "./cpu.ts";
import type { PeersReport } from "./peers.ts";
import { table } from "./show.ts";
import { STACKS, type StackName } from "./stacks.ts";

export function showCpu({ messages, workers }: CpuReport): void {
  console.log(
    `\nCPU of workerd per webhook, less what it burns when idle; ${messages} a round, in turn:\n`,
  );
  const rows = (Object.keys(WORKERS) as MeasuredWorker[]).map((name) => {
    const { medianMicros, leastMicros, mostMicros, timesBare } = workers[name];
    const range = `${leastMicros.toFixed(0)}-${mostMicros.toFixed(0)}`;
    return [WORKERS[name], medianMicros.toFixed(0), range, timesBare.toFixed(1)];
  });
  table(["", "µs, median", "least-most", "times bare Hono"], rows);
}

export function showPeers({ messages, perSecond, stacks, absent }: PeersReport): void {
  console.log(
    `\nWhole stacks, equal work: signature, durable write before the answer, queue, reply and its row. ${messages} messages a round at ${perSecond} a second, then one at a time (p50 / p99):\n`,
  );
  const { hub } = stacks;
  const rows = (Object.keys(STACKS) as StackName[]).flatMap((name) => {
    const stack = stacks[name];
    if (!stack) {
      return [];
    }
    const ms = ({ p50, p99 }: { readonly p50: number; readonly p99: number }) =>
      `${p50.toFixed(0)} / ${p99.toFixed(0)}`;
    return [
      [
        STACKS[name],
        stack.cpuMicros.toFixed(0),
        hub ? (hub.cpuMicros / stack.cpuMicros).toFixed(2) : "?",
        ms(stack.ackMs),
        ms(stack.rowMs),
        ms(stack.replyMs),
        `${(stack.repliedPart * 100).toFixed(0)} %`,
      ],
    ];
  });
  const head = ["", "CPU µs each", "hub ×", "ack ms", "row ms", "reply ms", "replied once"];
  table(head, rows);
  console.log(
    "\nOrder per conversation, one effect per message and the outcome of every send are the hub's alone.",
  );
  for (const reason of absent) {
    console.log(`absent: ${reason}`);
  }
}

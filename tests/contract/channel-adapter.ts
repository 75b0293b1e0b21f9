/**
 * What every channel must keep, whatever its platform: proofs, readings, sends and answers. Run once for
 * each of a channel's samples. Knows no platform.
 */
import { describe } from "vitest";
import type { ChannelAdapter } from "../../channels/channel-adapter.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import type { ChannelSamples } from "./channel-samples.ts";
import { answers } from "./suite/answers.ts";
import { anyInput } from "./suite/any-input.ts";
import { proofs } from "./suite/proofs.ts";
import { readings } from "./suite/readings.ts";
import { sends } from "./suite/sends.ts";

/** Declares the whole suite; call it at the top of a test file. */
export function channelAdapterContract<C extends ConnectionInput>(
  adapter: ChannelAdapter<C>,
  samples: ChannelSamples<C>,
): void {
  describe(`${samples.title}: proofs`, () => proofs(adapter, samples));
  describe(`${samples.title}: readings`, () => readings(adapter, samples));
  describe(`${samples.title}: sends`, () => sends(adapter, samples));
  describe(`${samples.title}: answers`, () => answers(adapter, samples));
  describe(`${samples.title}: any input`, () => anyInput(adapter, samples));
}

import { describe, expect, it } from "vitest";
import { ADAPTERS, adapterFor } from "../../channels/registry.ts";
import { ConnectionInput } from "../../schema/connection.ts";
import { discordSamples } from "./samples/discord.ts";
import { slackSamples } from "./samples/slack.ts";
import { whatsappJwtSamples } from "./samples/whatsapp.ts";

describe("the registry", () => {
  it("finds every channel by its name, and WhatsApp by its provider too", () => {
    for (const adapter of ADAPTERS) {
      expect(adapterFor(adapter.channel)).toBe(adapter);
    }
    expect(adapterFor("evolution")?.channel).toBe("whatsapp");
  });

  it.each(["", "telegram", "__proto__", "constructor", "Slack"])("knows no %j", (name) => {
    expect(adapterFor(name)).toBeUndefined();
  });

  it("holds an adapter, once, for every channel that can be connected, and each passes the suite", () => {
    const channels = ConnectionInput.options.map((option) => option.shape.channel.value);
    expect(ADAPTERS.map(({ channel }) => channel).toSorted()).toEqual(channels.toSorted());
    const sampled = [whatsappJwtSamples, slackSamples, discordSamples].map(
      ({ connection }) => connection.channel,
    );
    expect(sampled.toSorted()).toEqual(channels.toSorted());
  });

  it("gives every channel positive limits", () => {
    for (const { limits } of ADAPTERS) {
      const { pacing, contentTypes, ...numbers } = limits;
      for (const value of [...Object.values(numbers), ...Object.values(pacing)]) {
        expect(value).toBeGreaterThan(0);
      }
      expect(contentTypes.length).toBeGreaterThan(0);
    }
  });
});

/** What a channel's data says of pace, as limits of its downstream. */
import type { ChannelAdapter } from "../../channels/channel-adapter.ts";
import {
  DOWNSTREAM_LIMITS_DEFAULT,
  type DownstreamLimits,
} from "../../domain/resilience/admission.ts";

export function limitsOf(adapter: ChannelAdapter): DownstreamLimits {
  const { perConnectionPerSecond, burst } = adapter.limits.pacing;
  return { ...DOWNSTREAM_LIMITS_DEFAULT, ratePerSecond: perConnectionPerSecond, burst };
}

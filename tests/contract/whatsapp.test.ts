import { whatsappAdapter } from "../../channels/whatsapp/adapter.ts";
import { channelAdapterContract } from "./channel-adapter.ts";
import { whatsappJwtSamples, whatsappSecretSamples } from "./samples/whatsapp.ts";

channelAdapterContract(whatsappAdapter, whatsappSecretSamples);
channelAdapterContract(whatsappAdapter, whatsappJwtSamples);

/** placeholder until the media links land */
import type { ApiDeps } from "../http/deps.ts";
import type { Api } from "../http/route.ts";
export function registerMedia(_api: Api, _deps: ApiDeps): void {}

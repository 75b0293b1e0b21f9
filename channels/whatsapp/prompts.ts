/** The text of buttons, lists and templates as they were sent; what they offer is not repeated. */
import { type Fields, objectOf, stringOf } from "../shared/fields.ts";

/** The readable text of a prompt, or undefined where this is none. */
export function promptText(type: string, body: Fields | undefined): string | undefined {
  switch (type) {
    case "buttonsMessage":
      return stringOf(body, "contentText");
    case "listMessage":
      return joined(stringOf(body, "title"), stringOf(body, "description"));
    case "templateMessage": {
      const template =
        objectOf(body, "hydratedTemplate") ?? objectOf(body, "hydratedFourRowTemplate");
      return joined(
        stringOf(template, "hydratedTitleText"),
        stringOf(template, "hydratedContentText"),
      );
    }
    case "interactiveMessage":
      return joined(
        stringOf(objectOf(body, "header"), "title"),
        stringOf(objectOf(body, "body"), "text"),
      );
    default:
      return undefined;
  }
}

function joined(...parts: readonly (string | undefined)[]): string | undefined {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? undefined : present.join("\n");
}

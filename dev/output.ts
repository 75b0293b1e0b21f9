/** Plain, aligned lines for a person at a terminal; colour only where the stream is one. */

export interface Output {
  line(text?: string): void;
  /** Name and value, the names padded to one width. */
  fields(rows: readonly (readonly [string, string])[]): void;
  dim(text: string): string;
  bold(text: string): string;
  green(text: string): string;
  red(text: string): string;
}

/** Writes to `stream`; respects NO_COLOR. */
export function outputTo(stream: NodeJS.WriteStream): Output {
  const coloured = stream.isTTY === true && !process.env.NO_COLOR;
  const paint = (code: number) => (text: string) =>
    coloured ? `\u001b[${code}m${text}\u001b[0m` : text;
  const dim = paint(2);
  const line = (text = ""): void => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    fields: (rows) => {
      const width = Math.max(...rows.map(([name]) => name.length));
      for (const [name, value] of rows) {
        line(`  ${dim(name.padEnd(width))}  ${value}`);
      }
    },
    dim,
    bold: paint(1),
    green: paint(32),
    red: paint(31),
  };
}

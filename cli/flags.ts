/** Flags that many commands have. */

/** @param summary what of the configuration the command needs */
export const configFlag = (summary: string) =>
  ({ type: 'string', value: 'FILE', default: 'hawser.yaml', summary }) as const;

export const jsonFlag = { type: 'boolean', summary: 'One JSON object in place of the text' } as const;

// Line icons on a 20 x 20 grid.
export const ICONS = {
  play: ["M6.5 4 L15.5 10 L6.5 16 Z"],
  pause: ["M7 4.5 V15.5 M13 4.5 V15.5"],
  step: ["M5 4.5 L12 10 L5 15.5 Z", "M15 4.5 V15.5"],
  stop: ["M5 5 H15 V15 H5 Z"],
  animate: ["M3 14 C6 5 10 5 16 8", "M12.5 5.5 L16.4 8.1 L13.4 11.6"],
  edit: ["M4 16 L4.8 12.6 L13 4.4 A1.7 1.7 0 0 1 15.6 7 L7.4 15.2 Z", "M11.4 6 L14 8.6"],
  prompt: ["M3.5 4.5 H16.5 V13 H9 L5.5 16 V13 H3.5 Z"],
  save: ["M10 3.5 V12", "M6.5 8.8 L10 12.3 L13.5 8.8", "M4 15.8 H16"],
  copy: ["M7 7 H16 V16 H7 Z", "M13 7 V4 H4 V13 H7"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

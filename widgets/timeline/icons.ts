// Line icons on a 20 x 20 grid.
export const ICONS = {
  play: ["M6.5 4 L15.5 10 L6.5 16 Z"],
  pause: ["M7 4.5 V15.5 M13 4.5 V15.5"],
  first: ["M5 4.5 V15.5", "M15 5 L8 10 L15 15 Z"],
  last: ["M15 4.5 V15.5", "M5 5 L12 10 L5 15 Z"],
  back: ["M12.5 5 L7 10 L12.5 15"],
  forward: ["M7.5 5 L13 10 L7.5 15"],
  rewind: ["M6.5 4 L3.5 7 L6.5 10", "M3.5 7 H12 A4.3 4.3 0 0 1 12 15.6 H7"],
  fork: ["M6 16.5 V3.5", "M6 11.5 C6 8.5 14 9.5 14 5.5", "M11.5 7 L14 4.2 L16.5 7"],
  compare: ["M10 3 V17", "M3.5 5 H8 V15 H3.5 Z", "M12 5 H16.5 V15 H12"],
  rename: ["M4 16 L4.6 12.9 L13.4 4.1 L15.9 6.6 L7.1 15.4 Z", "M11.6 5.9 L14.1 8.4"],
  remove: ["M4.5 6 H15.5", "M8 6 V4 H12 V6", "M6 6 L6.7 16.5 H13.3 L14 6"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
